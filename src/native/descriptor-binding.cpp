// What JavaScript asks about descriptors: their way to another thread, what waits in them, and which listener new connections go to;
// and what a thread has taken of the processor.
#include <cerrno>
#include <cstdint>
#include <ctime>

#include "bindings.h"
#include "parking.h"
#include "reuse-port.h"
#include "values.h"
#include "waiting.h"

namespace relay {
namespace {

/** Of the process, and of every thread of JavaScript to its end. */
Parking& parking = *new Parking;

/** A thread by its number; what is none is one that there never is. */
uint32_t thread_of(napi_env env, napi_value value) {
  const int64_t thread = whole_of(env, value, -1);
  return thread < 0 || thread > INT32_MAX ? UINT32_MAX : static_cast<uint32_t>(thread);
}

uint64_t ticket_of(napi_env env, napi_value value) {
  return static_cast<uint64_t>(std::max<int64_t>(0, whole_of(env, value, 0)));
}

/** park(fd, by, to): a ticket for a duplicate, or a negative errno. */
napi_value park(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const int64_t fd = whole_of(env, arguments[0], -1);
  if (fd < 0 || fd > INT32_MAX) return number(env, -EBADF);
  const uint64_t ticket = parking.park(static_cast<int>(fd), thread_of(env, arguments[1]), thread_of(env, arguments[2]));
  return number(env, ticket == 0 ? -static_cast<double>(errno) : static_cast<double>(ticket));
}

/** claim(ticket): the descriptor, or -1. */
napi_value claim(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return number(env, parking.claim(ticket_of(env, arguments[0])));
}

/** drop(ticket): whether there was one to close. */
napi_value drop(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return boolean(env, parking.drop(ticket_of(env, arguments[0])));
}

/** heard(ticket) */
napi_value heard(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  parking.heard(ticket_of(env, arguments[0]));
  return nullptr;
}

/** bury(by): an array of those to whom what was closed was on its way. */
napi_value bury(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const std::vector<uint32_t> targets = parking.bury(thread_of(env, arguments[0]));
  napi_value all = nullptr;
  napi_create_array_with_length(env, targets.size(), &all);
  for (uint32_t i = 0; i < targets.size(); i++) napi_set_element(env, all, i, number(env, targets[i]));
  return all;
}

/** waited(fd): how many ms ago the last octets came that the connection brought, whether or not anyone has read them; -1 where the
 *  system doesn't tell. */
napi_value waited(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const int64_t fd = whole_of(env, arguments[0], -1);
  return number(env, fd < 0 || fd > INT32_MAX ? -1 : static_cast<double>(waited_ms(static_cast<int>(fd))));
}

/** unread(fd): octets that the connection has brought and nobody has read. */
napi_value unread(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const int64_t fd = whole_of(env, arguments[0], -1);
  const bool is_descriptor = fd >= 0 && fd <= INT32_MAX;
  return number(env, is_descriptor ? static_cast<double>(unread_of(static_cast<int>(fd))) : 0);
}

/** bound(fd, octets): lets the system hold no more than about so many octets that nobody has read. */
napi_value bound(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const int64_t fd = whole_of(env, arguments[0], -1);
  const int64_t octets = whole_of(env, arguments[1], 0);
  const bool is_descriptor = fd >= 0 && fd <= INT32_MAX;
  if (is_descriptor && octets > 0 && octets <= INT32_MAX / 2)
    bound_unread(static_cast<int>(fd), static_cast<int>(octets));
  return number(env, 0);
}

/** spread(fd, count): 0, or a negative errno. */
napi_value spread(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const int64_t fd = whole_of(env, arguments[0], -1);
  const int64_t count = whole_of(env, arguments[1], -1);
  if (fd < 0 || fd > INT32_MAX) return number(env, -EBADF);
  if (count < 0 || count > UINT16_MAX) return number(env, -EINVAL);
  return number(env, spread_over_first(static_cast<int>(fd), static_cast<unsigned>(count)));
}

/** cpuTime(): of the calling thread, in ms. */
napi_value cpu_time(napi_env env, napi_callback_info) {
  timespec taken{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &taken);
  return number(env, static_cast<double>(taken.tv_sec) * 1e3 + static_cast<double>(taken.tv_nsec) / 1e6);
}

}  // namespace

void register_descriptors(napi_env env, napi_value exports) {
  const NamedFunction functions[] = {{"park", park},     {"heard", heard},   {"claim", claim}, {"drop", drop},     {"bury", bury},
                                     {"waited", waited}, {"unread", unread}, {"bound", bound}, {"spread", spread}, {"cpuTime", cpu_time}};
  define(env, exports, functions);
}

}  // namespace relay
