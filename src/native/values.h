// Values of JavaScript as the relay's own, and back.
#pragma once
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tunnel.h"

namespace relay {

/** The largest whole number that a double tells from its neighbours. */
constexpr double kMostWhole = 9007199254740991.0;

template <size_t N>
struct Arguments {
  napi_value values[N];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  napi_value operator[](size_t index) const { return values[index]; }
};

inline napi_value number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

/** What is no number, or no finite one, is `otherwise`. */
inline double number_of(napi_env env, napi_value value, double otherwise) {
  double result = 0;
  return napi_get_value_double(env, value, &result) == napi_ok && std::isfinite(result) ? result : otherwise;
}

/** Whole and from -1 to 2^53 - 1; anything negative is -1. */
inline int64_t whole_of(napi_env env, napi_value value, double otherwise) {
  const double result = number_of(env, value, otherwise);
  return result < 0 ? -1 : static_cast<int64_t>(std::fmin(result, kMostWhole));
}

inline uint64_t handle_of(napi_env env, napi_value value) {
  return static_cast<uint64_t>(std::max<int64_t>(0, whole_of(env, value, 0))) & ~1ull;
}

inline Span octets_of(napi_env env, napi_value value) {
  bool is_buffer = false;
  napi_is_buffer(env, value, &is_buffer);
  if (!is_buffer) return {};
  void* octets = nullptr;
  size_t length = 0;
  napi_get_buffer_info(env, value, &octets, &length);
  return {static_cast<const char*>(octets), length};
}

/** The doubles of a Float64Array with at least `least` of them, or null. */
inline double* doubles_of(napi_env env, napi_value value, size_t least, size_t* length = nullptr) {
  bool is_array = false;
  napi_is_typedarray(env, value, &is_array);
  if (!is_array) return nullptr;
  napi_typedarray_type type;
  size_t count = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env, value, &type, &count, &data, nullptr, nullptr);
  if (type != napi_float64_array || count < least) return nullptr;
  if (length != nullptr) *length = count;
  return static_cast<double*>(data);
}

inline napi_value fail(napi_env env, const char* why) {
  napi_throw_type_error(env, nullptr, why);
  return nullptr;
}

}  // namespace relay
