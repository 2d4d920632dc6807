// The relay as JavaScript sees it: numbers in, numbers out. One core for the process, one mailbox for each thread of JavaScript.
#include <node_api.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "bindings.h"
#include "relay-core.h"
#include "values.h"

namespace {

using relay::Adoption;
using relay::Arguments;
using relay::boolean;
using relay::Core;
using relay::doubles_of;
using relay::fail;
using relay::handle_of;
using relay::Mailbox;
using relay::number;
using relay::number_of;
using relay::octets_of;
using relay::Record;
using relay::whole_of;

/** What the functions of this addon are, and what stands in their records: raised with any change of those, and with it that of
 *  transport/relay-binding.ts, which takes no addon that was built of other sources. */
constexpr double kLayout = 1;

/** Doubles of one record in what drain() fills; see transport/relay-binding.ts. */
constexpr size_t kRecordFields = 15;
constexpr size_t kRecordsAtOnce = 64;

// They outlive every thread of JavaScript: the relay threads use them to the end of the process.
std::mutex shared_mutex;
Core* shared_core = nullptr;
Mailbox* heir = nullptr;

struct Environment {
  Mailbox* mailbox = nullptr;
  napi_threadsafe_function notify = nullptr;
  /** What the clients of the last drain's records sent first. */
  std::vector<std::string> beginnings;
};

Environment* environment_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment*>(data);
}

void call_notify(napi_env env, napi_value callback, void*, void*) {
  if (env == nullptr || callback == nullptr) return;
  napi_value undefined = nullptr;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, callback, 0, nullptr, nullptr);
}

void post_notice(void* function) {
  napi_call_threadsafe_function(static_cast<napi_threadsafe_function>(function), nullptr, napi_tsfn_nonblocking);
}

/** This thread of JavaScript is going: from here on its records go to the heir. It runs before the threadsafe function ends,
 *  because it was entered later. */
void leave(void* data) {
  auto* environment = static_cast<Environment*>(data);
  std::lock_guard<std::mutex> guard(shared_mutex);
  if (heir == environment->mailbox) heir = nullptr;
  environment->mailbox->close(heir);
}

/** Null where the system gives it no descriptors or threads. */
Core* make_core(const relay::Options& options) {
  try {
    return new Core(options);
  } catch (const std::system_error&) {
    return nullptr;
  }
}

/** open(notify, isHeir, threads, pipes): whether there is a relay. `notify` says only that records wait. Threads and pipes count in
 *  the first call of the process. */
napi_value open_mailbox(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Environment* environment = environment_of(env);
  if (environment->mailbox != nullptr) return fail(env, "open was called before");
  napi_valuetype type = napi_undefined;
  napi_typeof(env, arguments[0], &type);
  if (type != napi_function) return fail(env, "open needs a function");
  bool is_heir = false;
  napi_get_value_bool(env, arguments[1], &is_heir);
  napi_value name = nullptr;
  napi_create_string_utf8(env, "relay", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, arguments[0], nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_notify,
                                      &environment->notify) != napi_ok)
    return fail(env, "no threadsafe function");
  napi_unref_threadsafe_function(env, environment->notify);
  std::lock_guard<std::mutex> guard(shared_mutex);
  if (shared_core == nullptr) {
    relay::Options options;
    options.threads = static_cast<uint32_t>(std::min<int64_t>(16, whole_of(env, arguments[2], 1)));
    options.pipes = static_cast<uint32_t>(std::min<int64_t>(65536, std::max<int64_t>(0, whole_of(env, arguments[3], 256))));
    shared_core = make_core(options);
    if (shared_core == nullptr) return boolean(env, false);
  }
  environment->mailbox = new Mailbox(post_notice, environment->notify);
  if (is_heir) heir = environment->mailbox;
  napi_add_env_cleanup_hook(env, leave, environment);
  return boolean(env, true);
}

/** hold(on): whether running tunnels keep this thread's event loop alive. */
napi_value hold(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Environment* environment = environment_of(env);
  if (environment->notify == nullptr) return fail(env, "open first");
  bool on = false;
  napi_get_value_bool(env, arguments[0], &on);
  if (on) {
    napi_ref_threadsafe_function(env, environment->notify);
  } else {
    napi_unref_threadsafe_function(env, environment->notify);
  }
  return boolean(env, on);
}

/** adopt(clientFd, exitFd, reply, earlyClient, earlyExit, place, tag, idleMs, pace, allowance, keepsBeginning, owned, mostUnread):
 *  the handle, or a negative errno. Of `owned`, bit 0 is for the client's descriptor and bit 1 for the exit's. */
napi_value adopt(napi_env env, napi_callback_info info) {
  const Arguments<13> arguments(env, info);
  const Environment* environment = environment_of(env);
  if (environment->mailbox == nullptr) return fail(env, "open first");
  Adoption adoption;
  for (size_t side = 0; side < 2; side++) {
    const int64_t fd = whole_of(env, arguments[side], -1);
    if (fd < 0 || fd > INT32_MAX) return number(env, -EBADF);
    adoption.fd[side] = static_cast<int>(fd);
    adoption.early[side] = octets_of(env, arguments[3 + side]);
  }
  const int64_t owned = whole_of(env, arguments[11], 0);
  for (size_t side = 0; side < 2; side++) adoption.owned[side] = owned > 0 && (owned >> side & 1) != 0;
  adoption.reply = octets_of(env, arguments[2]);
  adoption.owner = environment->mailbox;
  adoption.place = number_of(env, arguments[5], 0);
  adoption.tag = number_of(env, arguments[6], 0);
  adoption.idle_ms = std::max<int64_t>(0, whole_of(env, arguments[7], 0));
  adoption.pace = std::max(0.0, number_of(env, arguments[8], 0));
  adoption.allowance = whole_of(env, arguments[9], -1);
  adoption.most_unread = static_cast<int>(std::clamp<int64_t>(whole_of(env, arguments[12], 0), 0, INT32_MAX));
  napi_get_value_bool(env, arguments[10], &adoption.keeps_beginning);
  const uint64_t handle = shared_core->adopt(adoption);
  return number(env, handle == 0 ? -static_cast<double>(errno) : static_cast<double>(handle));
}

/** cut(handle) */
napi_value cut(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  if (environment_of(env)->mailbox == nullptr) return fail(env, "open first");
  shared_core->cut(handle_of(env, arguments[0]));
  return nullptr;
}

/** renew(handle, octets, scarce): negative for no limit. */
napi_value renew(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  if (environment_of(env)->mailbox == nullptr) return fail(env, "open first");
  bool scarce = false;
  napi_get_value_bool(env, arguments[2], &scarce);
  shared_core->renew(handle_of(env, arguments[0]), whole_of(env, arguments[1], -1), scarce);
  return nullptr;
}

/** counts(handle, into): whether the tunnel lives; then `into` holds the octets taken from each side. */
napi_value counts(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  if (environment_of(env)->mailbox == nullptr) return fail(env, "open first");
  double* into = doubles_of(env, arguments[1], 2);
  if (into == nullptr) return fail(env, "counts needs a Float64Array of 2");
  uint64_t octets[2];
  const bool lives = shared_core->counts(handle_of(env, arguments[0]), octets);
  for (size_t side = 0; lives && side < 2; side++) into[side] = static_cast<double>(octets[side]);
  return boolean(env, lives);
}

void write_record(const Record& record, double* fields) {
  *fields++ = static_cast<double>(record.handle);
  *fields++ = record.place;
  *fields++ = record.tag;
  *fields++ = static_cast<double>(record.kind);
  *fields++ = record.by;
  for (const uint64_t octets : record.octets) *fields++ = static_cast<double>(octets);
  for (const auto& first : record.first) {
    *fields++ = first.after_ms;
    *fields++ = first.record_type;
    *fields++ = first.record_length;
  }
  *fields++ = record.ended_first;
  *fields++ = static_cast<double>(record.unread);
}

/** drain(into): how many records were written to the Float64Array. */
napi_value drain(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment* environment = environment_of(env);
  if (environment->mailbox == nullptr) return fail(env, "open first");
  size_t length = 0;
  double* into = doubles_of(env, arguments[0], kRecordFields, &length);
  if (into == nullptr) return fail(env, "drain needs a Float64Array of 14 or more");
  Record records[kRecordsAtOnce];
  const size_t count = environment->mailbox->take(records, std::min(length / kRecordFields, kRecordsAtOnce));
  environment->beginnings.clear();
  for (size_t i = 0; i < count; i++) {
    write_record(records[i], into + i * kRecordFields);
    environment->beginnings.push_back(std::move(records[i].beginning));
  }
  return number(env, static_cast<double>(count));
}

/** beginning(index): what the client of record `index` of the last drain sent first, where that was asked for; else undefined. */
napi_value beginning(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto& kept = environment_of(env)->beginnings;
  const int64_t index = whole_of(env, arguments[0], -1);
  if (index < 0 || static_cast<size_t>(index) >= kept.size() || kept[static_cast<size_t>(index)].empty()) return nullptr;
  const std::string& octets = kept[static_cast<size_t>(index)];
  napi_value buffer = nullptr;
  napi_create_buffer_copy(env, octets.size(), octets.data(), nullptr, &buffer);
  return buffer;
}

/** stats(into): live tunnels, pipes, most pipes so far, descriptors. */
napi_value stats(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  if (environment_of(env)->mailbox == nullptr) return fail(env, "open first");
  double* into = doubles_of(env, arguments[0], 4);
  if (into == nullptr) return fail(env, "stats needs a Float64Array of 4");
  const relay::Stats now = shared_core->stats();
  into[0] = now.live;
  into[1] = now.pipes;
  into[2] = now.pipes_peak;
  into[3] = now.descriptors;
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_set_instance_data(
      env, new Environment, [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); }, nullptr);
  const relay::NamedFunction functions[] = {{"open", open_mailbox}, {"hold", hold},     {"adopt", adopt},
                                            {"cut", cut},           {"renew", renew},   {"counts", counts},
                                            {"drain", drain},       {"stats", stats},   {"beginning", beginning}};
  relay::define(env, exports, functions);
  napi_set_named_property(env, exports, "layout", number(env, kLayout));
  relay::register_descriptors(env, exports);
  relay::register_poller(env, exports);
  return exports;
}
