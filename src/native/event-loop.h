// A descriptor watched by the event loop of a thread of JavaScript. libuv is inside Node, and its headers aren't needed: the few
// functions asked of it have been the same in all of libuv 1.
#pragma once
#include <cstddef>
#include <memory>

struct uv_loop_s;

namespace relay {

class EventLoopWatch {
 public:
  /** Called in the loop while the descriptor can be read. */
  using OnReadable = void (*)(void* owner);
  using OnEnd = void (*)(void* owner);

  /** Null where this Node doesn't show its libuv, or can't watch the descriptor. It doesn't keep the loop alive. */
  static std::unique_ptr<EventLoopWatch> begin(uv_loop_s* loop, int fd, OnReadable on_readable, void* owner);

  /** Whether it keeps the loop alive. */
  void hold(bool on);
  /** Calls `on_end` in the loop, and not before it is safe to destroy it. The descriptor must stay open until this returns. */
  void end(OnEnd on_end);

  EventLoopWatch(const EventLoopWatch&) = delete;
  EventLoopWatch& operator=(const EventLoopWatch&) = delete;

 private:
  EventLoopWatch(OnReadable on_readable, void* owner) : on_readable_(on_readable), owner_(owner) {}

  OnReadable on_readable_;
  OnEnd on_end_ = nullptr;
  void* owner_;
  bool held_ = true;
  /** A uv_poll_t. */
  std::unique_ptr<std::max_align_t[]> handle_;
};

}  // namespace relay
