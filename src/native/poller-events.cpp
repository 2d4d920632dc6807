// Of a poller what brings events: connections that are accepted, begun ones that stand or fail, and what can be read and written.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "poller.h"

namespace relay {
namespace {

/** Connections accepted in one batch, by all listeners. Those of a batch hold their descriptors until it is done with, the refused ones
 *  too: with many of them none would be left for those that are served. */
constexpr size_t kAcceptedAtOnce = 4;

int open_reserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

int error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

uint32_t bits_of(uint32_t events) {
  uint32_t bits = 0;
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) bits |= kReadable;
  if (events & EPOLLOUT) bits |= kWritable;
  // A read stops at an urgent octet though more are behind it, which have had their event: so it doesn't say that all is read.
  if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) bits |= kHungUp;
  return bits;
}

int64_t give_up(int accepted) {
  close(accepted);
  return -ECONNABORTED;
}

/** Whether an accept failed for want of something that the whole process, or system, is short of. */
bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

struct Poller::Batch {
  double* fields;
  size_t room;
  size_t count = 0;
  /** How many more may be accepted. */
  size_t accepts = kAcceptedAtOnce;

  void add(uint64_t handle, uint32_t bits, double third) {
    double* const at = fields + count++ * kEventFields;
    at[0] = static_cast<double>(handle);
    at[1] = bits;
    at[2] = third;
  }
};

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), reserve_(open_reserve()) {}

Poller::~Poller() {
  settle();
  for (size_t number = 0; number < entries_.size(); number++)
    if (entries_[number].sequence != 0) ::close(static_cast<int>(number));
  if (reserve_ >= 0) ::close(reserve_);
  if (epoll_ >= 0) ::close(epoll_);
}

size_t Poller::collect(double* fields, size_t most) {
  Batch batch{fields, most};
  collecting_ = true;
  // The second look is for what accepted connections have brought with them: it saves a turn of the event loop.
  bool again = true;
  for (int look = 0; look < 2 && again; look++) {
    again = false;
    // Half of the room is for connections that are accepted.
    const size_t at_once = std::min((most - batch.count) / 2, kLook);
    if (at_once == 0) break;
    const int found = std::max(0, epoll_wait(epoll_, ready_, static_cast<int>(at_once), 0));
    size_t spare = most - batch.count - static_cast<size_t>(found);
    for (int i = 0; i < found; i++) {
      const uint64_t handle = ready_[i].data.u64;
      const Entry* entry = find(handle);
      if (entry == nullptr) continue;
      if (entry->kind == Kind::listener) {
        again = accept_some(handle, batch, spare) || again;
      } else {
        note(handle, ready_[i].events, batch);
      }
    }
  }
  return batch.count;
}

void Poller::settle() {
  collecting_ = false;
  for (const int fd : to_close_) ::close(fd);
  to_close_.clear();
}

void Poller::note(uint64_t handle, uint32_t events, Batch& batch) {
  Entry& entry = *find(handle);
  uint32_t bits = bits_of(events);
  if (entry.kind == Kind::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    entry.kind = Kind::connected;
    const bool may_have_failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
    const int error = may_have_failed ? error_of(static_cast<int>(&entry - entries_.data())) : 0;
    if (error != 0) return batch.add(handle, kFailed, error);
    bits |= kConnected;
  }
  batch.add(handle, bits, 0);
}

/** `spare` is how many more may be accepted in this look. Whether any was. */
bool Poller::accept_some(uint64_t listener, Batch& batch, size_t& spare) {
  const int fd = static_cast<int>(listener & 0xfffff);
  bool any = false;
  for (; batch.accepts > 0 && spare > 0; batch.accepts--) {
    const int64_t handle = accept_one(fd);
    if (handle == -EAGAIN) break;
    if (handle < 0 && is_shortage(static_cast<int>(-handle))) {
      if (turn_away(fd)) continue;
      calm(listener, true);
      return any;
    }
    // Any other error is that one connection's.
    if (handle < 0) continue;
    batch.add(listener, kAccepted, static_cast<double>(handle));
    spare--;
    any = true;
  }
  calm(listener, false);
  return any;
}

int64_t Poller::accept(uint64_t listener) {
  const Entry* entry = find(listener);
  if (entry == nullptr || entry->kind != Kind::listener) return -EBADF;
  return accept_one(static_cast<int>(listener & 0xfffff));
}

int64_t Poller::accept_one(int listener) {
  Address peer;
  socklen_t length = sizeof peer;
  const int accepted = accept4(listener, &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) return -errno;
  const int64_t handle = enter(accepted, Kind::connected, peer);
  // It is gone, whatever it was that it couldn't be entered for.
  return handle < 0 ? give_up(accepted) : handle;
}

/** Without a descriptor to accept with, the listener would stay ready and the loop spin. False where that didn't help. */
bool Poller::turn_away(int listener) {
  if (reserve_ < 0) reserve_ = open_reserve();
  if (reserve_ < 0) return false;
  ::close(reserve_);
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted >= 0) ::close(accepted);
  reserve_ = open_reserve();
  return accepted >= 0;
}

/** From there on it tells of connections that come, and no more of those that are there; until it accepts again. */
void Poller::calm(uint64_t listener, bool on) {
  Entry& entry = *find(listener);
  // Each change would tell once more of what is there.
  if (entry.calmed == on) return;
  entry.calmed = on;
  epoll_event event{};
  event.events = on ? EPOLLIN | EPOLLET : static_cast<uint32_t>(EPOLLIN);
  event.data.u64 = listener;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, static_cast<int>(listener & 0xfffff), &event);
}

}  // namespace relay
