#include "event-loop.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>

namespace relay {
namespace {

// Of uv.h: UV_POLL of uv_handle_type, UV_READABLE of uv_poll_event.
constexpr int kPoll = 8;
constexpr int kUvReadable = 1;

using Handle = void*;

struct Libuv {
  size_t (*handle_size)(int type) = nullptr;
  const char* (*handle_type_name)(int type) = nullptr;
  void (*handle_set_data)(Handle, void* data) = nullptr;
  void* (*handle_get_data)(Handle) = nullptr;
  int (*poll_init)(uv_loop_s* loop, Handle, int fd) = nullptr;
  int (*poll_start)(Handle, int events, void (*)(Handle, int status, int events)) = nullptr;
  void (*close)(Handle, void (*)(Handle)) = nullptr;
  void (*ref)(Handle) = nullptr;
  void (*unref)(Handle) = nullptr;
  bool whole = true;

  Libuv() {
    find(handle_size, "uv_handle_size");
    find(handle_type_name, "uv_handle_type_name");
    find(handle_set_data, "uv_handle_set_data");
    find(handle_get_data, "uv_handle_get_data");
    find(poll_init, "uv_poll_init");
    find(poll_start, "uv_poll_start");
    find(close, "uv_close");
    find(ref, "uv_ref");
    find(unref, "uv_unref");
    if (!whole) return;
    const char* name = handle_type_name(kPoll);
    whole = name != nullptr && strcmp(name, "poll") == 0;
  }

 private:
  template <typename Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    whole = whole && function != nullptr;
  }
};

const Libuv& libuv() {
  static const Libuv found;
  return found;
}

}  // namespace

std::unique_ptr<EventLoopWatch> EventLoopWatch::begin(uv_loop_s* loop, int fd, OnReadable on_readable, void* owner) {
  const Libuv& uv = libuv();
  if (!uv.whole || fd < 0) return nullptr;
  std::unique_ptr<EventLoopWatch> watch(new EventLoopWatch(on_readable, owner));
  watch->handle_.reset(new std::max_align_t[uv.handle_size(kPoll) / sizeof(std::max_align_t) + 1]());
  const Handle handle = watch->handle_.get();
  // It checks that the descriptor can be watched before it enters the handle in the loop.
  if (uv.poll_init(loop, handle, fd) != 0) return nullptr;
  uv.handle_set_data(handle, watch.get());
  uv.poll_start(handle, kUvReadable, [](Handle readable, int, int) {
    const auto* self = static_cast<EventLoopWatch*>(libuv().handle_get_data(readable));
    self->on_readable_(self->owner_);
  });
  watch->hold(false);
  return watch;
}

void EventLoopWatch::hold(bool on) {
  if (on == held_) return;
  held_ = on;
  (on ? libuv().ref : libuv().unref)(handle_.get());
}

void EventLoopWatch::end(OnEnd on_end) {
  on_end_ = on_end;
  // It also stops it.
  libuv().close(handle_.get(), [](Handle closed) {
    const auto* self = static_cast<EventLoopWatch*>(libuv().handle_get_data(closed));
    self->on_end_(self->owner_);
  });
}

}  // namespace relay
