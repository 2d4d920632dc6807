// Of a relay thread what any other thread calls: tunnels are handed over, and asked for.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "handle.h"
#include "loop.h"

namespace relay {
namespace {

constexpr uint32_t kWatched = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

bool watch(int epoll, int fd, uint64_t data) {
  epoll_event event{};
  event.events = kWatched;
  event.data.u64 = data;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/** The side's descriptor for the tunnel. False with errno set. */
bool take(const Adoption& adoption, int side, int fds[2]) {
  fds[side] = adoption.owned[side] ? adoption.fd[side] : fcntl(adoption.fd[side], F_DUPFD_CLOEXEC, 3);
  return fds[side] >= 0;
}

}  // namespace

uint64_t Loop::adopt(const Adoption& adoption) {
  int fds[2] = {-1, -1};
  uint32_t index = 0;
  const bool have_all = take(adoption, 0, fds) && take(adoption, 1, fds);
  if (!have_all || !reserve(index)) {
    const int why = have_all ? ENOBUFS : errno;
    for (int side = 0; side < 2; side++)
      if (fds[side] >= 0 && !adoption.owned[side]) close(fds[side]);
    errno = why;
    return 0;
  }
  Slot& slot = *slot_at(index);
  fill(slot, adoption, fds);
  const uint64_t handle = make_handle(slot.generation, number_, index);
  publish(slot, handle);
  return handle;
}

bool Loop::reserve(uint32_t& index) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
    return true;
  }
  if (used_ == kChunk * kChunks) return false;
  index = used_++;
  if (index % kChunk == 0) chunks_[index / kChunk].store(new Slot[kChunk], std::memory_order_release);
  return true;
}

/** Sends what is to be sent first, on the caller's thread: in the usual case that is one call of the system. */
void Loop::fill(Slot& slot, const Adoption& adoption, const int fds[2]) {
  Tunnel& tunnel = slot.tunnel;
  tunnel = Tunnel();
  tunnel.place = adoption.place;
  tunnel.tag = adoption.tag;
  tunnel.owner = adoption.owner;
  tunnel.idle_ms = adoption.idle_ms;
  tunnel.keeps_beginning = adoption.keeps_beginning;
  tunnel.budget.allowance = adoption.allowance;
  tunnel.budget.pace = adoption.pace;
  tunnel.most_unread = adoption.most_unread;
  tunnel.adopted_ms = precise_now_ms();
  tunnel.active_ms = tunnel.budget.saved_at_ms = coarse_now_ms();
  for (int side = 0; side < 2; side++) {
    tunnel.fd[side] = fds[side];
    const Span& early = adoption.early[side];
    note_first(tunnel, side, early);
    if (tunnel.budget.limited()) tunnel.budget.take(early.length);
    slot.octets[side].store(early.length, std::memory_order_relaxed);
  }
  if (!send_or_queue(fds[0], tunnel.way[1], adoption.reply, adoption.early[1])) break_side(tunnel, 0, errno);
  if (!send_or_queue(fds[1], tunnel.way[0], adoption.early[0], Span())) break_side(tunnel, 1, errno);
}

/** From here on the tunnel is the relay thread's; but it buries no tunnel of which not both descriptors are entered. */
void Loop::publish(Slot& slot, uint64_t handle) {
  const Tunnel& tunnel = slot.tunnel;
  const int fds[2] = {tunnel.fd[0], tunnel.fd[1]};
  bool urgent = tunnel.broken[0] || tunnel.broken[1] || tunnel.way[0].left != nullptr || tunnel.way[1].left != nullptr;
  live_.fetch_add(1, std::memory_order_relaxed);
  slot.entered.store(false, std::memory_order_relaxed);
  slot.lives.store(slot.generation, std::memory_order_release);
  const bool watched = watch(epoll_, fds[0], handle) && watch(epoll_, fds[1], handle | 1);
  slot.entered.store(true, std::memory_order_release);
  {
    std::lock_guard<std::mutex> guard(mutex_);
    inbox_.push_back({Command::Verb::join, handle, 0, false});
    if (!watched) inbox_.push_back({Command::Verb::cut, handle, 0, false});
    inbox_waits_.store(true, std::memory_order_release);
    urgent = urgent || !watched || sleeps_long_;
  }
  if (urgent) wake();
}

void Loop::cut(uint64_t handle) { command({Command::Verb::cut, handle, 0, false}); }

void Loop::renew(uint64_t handle, int64_t octets, bool scarce) { command({Command::Verb::renew, handle, octets, scarce}); }

void Loop::command(const Command& command) {
  {
    std::lock_guard<std::mutex> guard(mutex_);
    inbox_.push_back(command);
    inbox_waits_.store(true, std::memory_order_release);
    order_waits_.store(true, std::memory_order_relaxed);
  }
  wake();
}

void Loop::wake() const {
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
}

bool Loop::counts(uint64_t handle, uint64_t octets[2]) const {
  const Slot* slot = slot_at(slot_of(handle));
  const uint64_t generation = generation_of(handle);
  if (slot == nullptr || generation == 0 || slot->lives.load(std::memory_order_acquire) != generation) return false;
  for (int side = 0; side < 2; side++) octets[side] = slot->octets[side].load(std::memory_order_acquire);
  return slot->lives.load(std::memory_order_acquire) == generation;
}

}  // namespace relay
