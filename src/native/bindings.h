// What JavaScript finds in the addon, file by file.
#pragma once
#include <node_api.h>

namespace relay {

/** Parking, and what the system holds for a connection (descriptor-binding.cpp). */
void register_descriptors(napi_env env, napi_value exports);
/** Sockets without Node's own streams (poller-binding.cpp). */
void register_poller(napi_env env, napi_value exports);

struct NamedFunction {
  const char* name;
  napi_callback callback;
};

/** Each function is called with `data`. */
template <size_t N>
void define(napi_env env, napi_value exports, const NamedFunction (&functions)[N], void* data = nullptr) {
  for (const auto& [name, callback] : functions) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function);
    napi_set_named_property(env, exports, name, function);
  }
}

}  // namespace relay
