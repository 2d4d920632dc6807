#include "poller-host.h"

#include "values.h"

namespace relay {

PollerHost* PollerHost::create(napi_env env) {
  auto* host = new PollerHost(env);
  // Entered before the hook of open(), and so called after it: what is open then is about to be closed, and goes afterwards.
  napi_add_env_cleanup_hook(
      env,
      [](void* data) {
        auto* ended = static_cast<PollerHost*>(data);
        if (ended->watch_ == nullptr) delete ended;
      },
      host);
  return host;
}

bool PollerHost::open(napi_value dispatch, napi_value events, napi_value room) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return false;
  auto poller = std::make_unique<Poller>();
  auto watch = EventLoopWatch::begin(
      loop, poller->epoll(), [](void* owner) { static_cast<PollerHost*>(owner)->on_readable(); }, this);
  if (watch == nullptr) return false;
  poller_ = std::move(poller);
  watch_ = std::move(watch);
  // A worker that is terminated runs it too, and its event loop until the watch is closed.
  napi_add_async_cleanup_hook(
      env_,
      [](napi_async_cleanup_hook_handle handle, void* data) { static_cast<PollerHost*>(data)->end(handle); }, this, nullptr);
  return keep(dispatch, events, room);
}

bool PollerHost::keep(napi_value dispatch, napi_value events, napi_value room) {
  events_ = doubles_of(env_, events, 2 * kEventFields, &most_events_);
  most_events_ /= kEventFields;
  const Span octets = octets_of(env_, room);
  room_ = const_cast<char*>(octets.octets);
  room_length_ = octets.length;
  napi_value name = nullptr;
  napi_create_string_utf8(env_, "poller", NAPI_AUTO_LENGTH, &name);
  return napi_async_init(env_, nullptr, name, &context_) == napi_ok &&
         napi_create_reference(env_, dispatch, 1, &dispatch_) == napi_ok &&
         napi_create_reference(env_, events, 1, &events_ref_) == napi_ok &&
         napi_create_reference(env_, room, 1, &room_ref_) == napi_ok;
}

void PollerHost::on_readable() {
  const size_t count = poller_->collect(events_, most_events_);
  if (count > 0) call(count);
  poller_->settle();
  update_hold();
}

/** As any callback of Node: ticks and microtasks run behind it. */
void PollerHost::call(size_t count) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value global = nullptr;
  napi_value dispatch = nullptr;
  napi_get_global(env_, &global);
  napi_get_reference_value(env_, dispatch_, &dispatch);
  const napi_value argument = number(env_, static_cast<double>(count));
  if (napi_make_callback(env_, context_, global, dispatch, 1, &argument, nullptr) == napi_pending_exception) {
    napi_value thrown = nullptr;
    // Where the thread is being terminated that is no exception of anybody's, and nothing comes of it.
    if (napi_get_and_clear_last_exception(env_, &thrown) == napi_ok) napi_fatal_exception(env_, thrown);
  }
  napi_close_handle_scope(env_, scope);
}

/** The thread ends: so do its connections, for nobody would ever answer on them. */
void PollerHost::end(napi_async_cleanup_hook_handle handle) {
  ending_ = handle;
  if (context_ != nullptr) napi_async_destroy(env_, context_);
  watch_->end([](void* owner) {
    auto* host = static_cast<PollerHost*>(owner);
    napi_remove_async_cleanup_hook(host->ending_);
    delete host;
  });
  poller_.reset();
}

}  // namespace relay
