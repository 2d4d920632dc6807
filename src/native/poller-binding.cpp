// The poller as JavaScript sees it; see transport/poller-binding.ts.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "bindings.h"
#include "poller-host.h"
#include "values.h"

namespace relay {
namespace {

/** The longest text of a head that is written as it is. */
constexpr size_t kMostText = 16 * 1024;

/** The arguments of a call, and the poller of its thread. */
template <size_t N>
struct Call {
  PollerHost* host = nullptr;
  napi_value values[N];
  Call(napi_env env, napi_callback_info info) {
    size_t count = N;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
    host = static_cast<PollerHost*>(data);
  }
  napi_value operator[](size_t index) const { return values[index]; }
  Poller* poller() const { return host->poller(); }
};

napi_value closed(napi_env env) { return fail(env, "pollOpen first"); }

uint64_t socket_of(napi_env env, napi_value value) {
  return static_cast<uint64_t>(std::max<int64_t>(0, whole_of(env, value, 0)));
}

napi_value whole(napi_env env, int64_t value) { return number(env, static_cast<double>(value)); }

napi_value text(napi_env env, const std::string& value) {
  napi_value result = nullptr;
  napi_create_string_latin1(env, value.data(), value.size(), &result);
  return result;
}

bool flag_of(napi_env env, napi_value value) {
  bool result = false;
  napi_get_value_bool(env, value, &result);
  return result;
}

/** An address and a port. Of no family where either is none. */
Address address_of(napi_env env, napi_value value, int64_t port) {
  char text[128];
  size_t length = 0;
  Address address;
  if (napi_get_value_string_latin1(env, value, text, sizeof text, &length) != napi_ok) return address;
  if (port >= 0 && port <= UINT16_MAX) parse_address(text, static_cast<uint16_t>(port), address);
  return address.is_set() ? address : Address();
}

napi_value poll_open(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.poller() != nullptr) return fail(env, "pollOpen was called before");
  napi_valuetype type = napi_undefined;
  napi_typeof(env, call[0], &type);
  if (type != napi_function) return fail(env, "pollOpen needs a function");
  if (doubles_of(env, call[1], 2 * kEventFields) == nullptr) return fail(env, "pollOpen needs a Float64Array for events");
  if (octets_of(env, call[2]).length == 0) return fail(env, "pollOpen needs a Buffer to read to");
  return boolean(env, call.host->open(call[0], call[1], call[2]));
}

napi_value poll_listen(napi_env env, napi_callback_info info) {
  const Call<4> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const Address at = address_of(env, call[0], whole_of(env, call[1], -1));
  if (!at.is_set()) return whole(env, -EINVAL);
  const auto backlog = static_cast<int>(std::min<int64_t>(INT32_MAX, whole_of(env, call[3], 511)));
  const int64_t handle = call.poller()->listen(at, flag_of(env, call[2]), backlog);
  call.host->update_hold();
  return whole(env, handle);
}

napi_value poll_accept(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const int64_t handle = call.poller()->accept(socket_of(env, call[0]));
  call.host->update_hold();
  return whole(env, handle);
}

napi_value poll_connect(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const Address to = address_of(env, call[0], whole_of(env, call[1], -1));
  napi_valuetype type = napi_undefined;
  napi_typeof(env, call[2], &type);
  const bool has_from = type != napi_undefined;
  const Address from = has_from ? address_of(env, call[2], 0) : Address();
  if (!to.is_set() || (has_from && !from.is_set())) return whole(env, -EINVAL);
  const int64_t handle = call.poller()->connect(to, from);
  call.host->update_hold();
  return whole(env, handle);
}

napi_value poll_attach(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const int64_t fd = whole_of(env, call[0], -1);
  if (fd < 0 || fd > INT32_MAX) return whole(env, -EBADF);
  const int64_t handle = call.poller()->attach(static_cast<int>(fd));
  call.host->update_hold();
  return whole(env, handle);
}

napi_value poll_read(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const int64_t most = std::max<int64_t>(0, whole_of(env, call[1], 0));
  const size_t bounded = std::min(static_cast<size_t>(most), call.host->room_length());
  return whole(env, call.poller()->read(socket_of(env, call[0]), call.host->room(), bounded));
}

napi_value poll_write(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  bool is_octets = false;
  napi_is_buffer(env, call[1], &is_octets);
  if (!is_octets) return fail(env, "pollWrite needs octets");
  const Span octets = octets_of(env, call[1]);
  return whole(env, call.poller()->write(socket_of(env, call[0]), octets.octets, octets.length));
}

napi_value poll_write_latin1(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  // One octet more than is allowed shows that there is more; and one is for the end.
  char octets[kMostText + 2];
  size_t length = 0;
  if (napi_get_value_string_latin1(env, call[1], octets, sizeof octets, &length) != napi_ok)
    return fail(env, "pollWriteLatin1 needs a text");
  if (length > kMostText) return whole(env, -EMSGSIZE);
  return whole(env, call.poller()->write(socket_of(env, call[0]), octets, length));
}

napi_value poll_shutdown(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  return whole(env, call.poller()->shut_down(socket_of(env, call[0])));
}

napi_value poll_close(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  call.poller()->close(socket_of(env, call[0]), flag_of(env, call[1]));
  call.host->update_hold();
  return nullptr;
}

napi_value poll_release(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const int64_t fd = call.poller()->release(socket_of(env, call[0]));
  call.host->update_hold();
  return whole(env, fd);
}

napi_value poll_descriptor(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  return whole(env, call.poller()->descriptor(socket_of(env, call[0])));
}

napi_value poll_keep_alive(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  const auto seconds = static_cast<int>(std::min<int64_t>(INT16_MAX, whole_of(env, call[1], 0)));
  return whole(env, call.poller()->keep_alive(socket_of(env, call[0]), seconds));
}

napi_value poll_ends(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  return text(env, call.poller()->ends(socket_of(env, call[0])));
}

napi_value poll_peer(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.poller() == nullptr) return closed(env);
  return text(env, call.poller()->peer(socket_of(env, call[0])));
}

}  // namespace

void register_poller(napi_env env, napi_value exports) {
  const NamedFunction functions[] = {{"pollOpen", poll_open},
                                     {"pollListen", poll_listen},
                                     {"pollAccept", poll_accept},
                                     {"pollConnect", poll_connect},
                                     {"pollAttach", poll_attach},
                                     {"pollRead", poll_read},
                                     {"pollWrite", poll_write},
                                     {"pollWriteLatin1", poll_write_latin1},
                                     {"pollShutdown", poll_shutdown},
                                     {"pollClose", poll_close},
                                     {"pollRelease", poll_release},
                                     {"pollDescriptor", poll_descriptor},
                                     {"pollKeepAlive", poll_keep_alive},
                                     {"pollEnds", poll_ends},
                                     {"pollPeer", poll_peer}};
  define(env, exports, functions, PollerHost::create(env));
}

}  // namespace relay
