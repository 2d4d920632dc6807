// The poller of one thread of JavaScript, in its event loop.
#pragma once
#include <node_api.h>

#include <memory>

#include "event-loop.h"
#include "poller.h"

namespace relay {

class PollerHost {
 public:
  /** It lasts as long as the thread. */
  static PollerHost* create(napi_env env);

  /** False where this Node can't do it. */
  bool open(napi_value dispatch, napi_value events, napi_value room);
  /** Null until it is open. */
  Poller* poller() const { return poller_.get(); }
  char* room() const { return room_; }
  size_t room_length() const { return room_length_; }
  /** To be called when sockets were opened or closed: while there are any, the event loop stays alive. */
  void update_hold() { watch_->hold(poller_->size() > 0); }

 private:
  explicit PollerHost(napi_env env) : env_(env) {}
  bool keep(napi_value dispatch, napi_value events, napi_value room);
  void on_readable();
  void call(size_t count);
  void end(napi_async_cleanup_hook_handle handle);

  napi_env env_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<EventLoopWatch> watch_;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle ending_ = nullptr;
  napi_ref dispatch_ = nullptr;
  // What they hold stays where it is while they are referenced.
  napi_ref events_ref_ = nullptr;
  napi_ref room_ref_ = nullptr;
  double* events_ = nullptr;
  size_t most_events_ = 0;
  char* room_ = nullptr;
  size_t room_length_ = 0;
};

}  // namespace relay
