#include "pipes.h"

#include <fcntl.h>
#include <unistd.h>

namespace relay {
namespace {

/** Octets that a pipe should hold; the system may refuse and leave it at 64 KiB, which works as well. */
constexpr int kPipeBytes = 256 * 1024;

/** Idle pipes kept by a thread. */
constexpr size_t kIdlePipes = 64;

}  // namespace

Pipes::~Pipes() { close_idle(); }

void Pipes::close_idle() {
  for (Pipe& pipe : idle_) close_pipe(pipe);
  idle_.clear();
}

bool Pipes::borrow(Pipe& pipe) {
  if (!idle_.empty()) {
    pipe = idle_.back();
    idle_.pop_back();
    return true;
  }
  const uint32_t now = ++count_.now;
  int ends[2];
  if (now > count_.most || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    --count_.now;
    return false;
  }
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  uint32_t peak = count_.peak.load();
  while (peak < now && !count_.peak.compare_exchange_weak(peak, now)) {
  }
  pipe = {ends[0], ends[1]};
  return true;
}

void Pipes::give_back(Pipe& pipe, bool held) {
  if (!pipe.open()) return;
  if (held || idle_.size() >= kIdlePipes) {
    close_pipe(pipe);
  } else {
    idle_.push_back(pipe);
  }
  pipe = Pipe();
}

void Pipes::close_pipe(Pipe& pipe) {
  close(pipe.out);
  close(pipe.in);
  --count_.now;
}

}  // namespace relay
