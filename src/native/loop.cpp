#include "loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "handle.h"
#include "waiting.h"

namespace relay {
namespace {

constexpr uint64_t kWake = ~0ull;
constexpr int kBatch = 512;

/** A tunnel handed over while the thread sleeps gets its timer so much later, in ms. */
constexpr int64_t kLongestSleepMs = 250;

/** Least time between two notices, in ms: each wakes a thread of JavaScript, and one may serve many records. */
constexpr int64_t kRingMs = 8;

/** Only a tunnel that lasts so long has its connections probed (TCP keep-alive): most are over before, and save the calls. */
constexpr int64_t kKeepAliveAfterMs = 30'000;

/** Silence before the first probe, between two of them, and how many go unanswered before the connection is taken for dead. */
constexpr int kProbeAfterS = 60;
constexpr int kProbeIntervalS = 10;
constexpr int kProbes = 6;

/** What a direction may move in its turn. With a quarter of it the streams that run at once all stay full, and four of them took
 *  half as much CPU again per octet; four times as much gains no more. */
constexpr int64_t kTurnBytes = 4 * 1024 * 1024;

/** What is wrong with a socket, and takes it from there. */
int error_of(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

void keep_alive(Tunnel& tunnel) {
  tunnel.kept_alive = true;
  const int on = 1;
  for (const int fd : tunnel.fd) {
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kProbeAfterS, sizeof kProbeAfterS);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeIntervalS, sizeof kProbeIntervalS);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
}

}  // namespace

Loop::Loop(uint32_t number, PipeCount& pipes)
    : number_(number),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wheel_(coarse_now_ms()),
      pipes_(pipes) {
  if (epoll_ < 0 || wake_ < 0) give_up(errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWake;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  // The thread takes no signals: they are the host's, and splice to a closed socket raises SIGPIPE.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    give_up(error.code().value());
  }
  pthread_setname_np(thread_.native_handle(), "relay");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/** A thread that can't wait for events would run without end, and move nothing. */
void Loop::give_up(int error) {
  for (const int fd : {epoll_, wake_})
    if (fd >= 0) close(fd);
  throw std::system_error(error, std::generic_category());
}

Loop::~Loop() {
  stopping_.store(true);
  wake();
  thread_.join();
  close(epoll_);
  close(wake_);
  for (auto& chunk : chunks_) delete[] chunk.load();
}

void Loop::run() {
  std::vector<epoll_event> events(kBatch);
  for (;;) {
    const int count = epoll_wait(epoll_, events.data(), kBatch, wait_ms());
    now_ms_ = coarse_now_ms();
    // Before any octet that came after the order.
    obey();
    for (int i = 0; i < count; i++) on_event(events[static_cast<size_t>(i)].data.u64, events[static_cast<size_t>(i)].events);
    give_turn();
    look_at_timers();
    const bool stop = stopping_.load();
    if (stop) cut_all();
    reap();
    // At rest it holds nothing.
    if (live() == 0) pipes_.close_idle();
    if (now_ms_ - rung_at_ms_ >= kRingMs || stop) ring();
    if (stop && over_.empty()) return;
  }
}

int Loop::wait_ms() {
  int64_t timer_ms = wheel_.wait_ms(now_ms_);
  if (!unrung_.empty()) timer_ms = timer_ms < 0 ? kRingMs : std::min(timer_ms, kRingMs);
  if (!again_.empty() || !over_.empty() || inbox_waits_.load(std::memory_order_acquire) || stopping_.load()) return 0;
  // Without a wake-up, what is handed over meanwhile is seen at its first event, or then.
  if (timer_ms >= 0) return static_cast<int>(std::min(timer_ms, kLongestSleepMs));
  std::lock_guard<std::mutex> guard(mutex_);
  sleeps_long_ = inbox_.empty();
  return sleeps_long_ ? -1 : 0;
}

void Loop::on_event(uint64_t data, uint32_t events) {
  if (data == kWake) {
    uint64_t count = 0;
    (void)!read(wake_, &count, sizeof count);
    return;
  }
  uint32_t index = 0;
  Tunnel* tunnel = find(data, index);
  // It may have ended earlier in this batch.
  if (tunnel == nullptr) return;
  const int side = side_of(data);
  // A read stops at an urgent octet, though more are behind it that have had their event.
  if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP)) tunnel->hung_up[side] = true;
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP)) tunnel->readable[side] = true;
  if (events & EPOLLOUT) tunnel->writable[side] = true;
  if (events & EPOLLERR) break_side(*tunnel, side, error_of(tunnel->fd[side]));
  if (!tunnel->queued_again) pump_both(*tunnel, index, side, kGlanceBytes);
}

/** One turn and no more before the next look at events, so that whoever has little to say never waits for two. */
void Loop::give_turn() {
  if (again_.empty()) return;
  uint32_t index = 0;
  Tunnel* tunnel = find(again_.front(), index);
  again_.pop_front();
  if (tunnel == nullptr) return;
  tunnel->queued_again = false;
  pump_both(*tunnel, index, 0, kTurnBytes);
}

void Loop::obey() {
  if (!inbox_waits_.load(std::memory_order_acquire)) return;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    inbox_waits_.store(false, std::memory_order_relaxed);
    order_waits_.store(false, std::memory_order_relaxed);
    sleeps_long_ = false;
    orders_.swap(inbox_);
  }
  for (const Command& order : orders_) {
    uint32_t index = 0;
    Tunnel* tunnel = find(order.handle, index);
    if (tunnel != nullptr) obey(order, *tunnel, index);
  }
  orders_.clear();
}

void Loop::obey(const Command& order, Tunnel& tunnel, uint32_t index) {
  switch (order.verb) {
    case Command::Verb::join:
      set_timer(tunnel, index);
      // The one descriptor may have had events, and the other have blocked, before that one was entered.
      for (int side = 0; side < 2; side++)
        if (tunnel.watches_room[side]) watch_room(tunnel, index, side);
      // What was queued, and a side that broke at once, wait for nobody's event.
      pump_both(tunnel, index, 0, kGlanceBytes);
      return;
    case Command::Verb::cut:
      finish(tunnel, index, Kind::cut);
      return;
    case Command::Verb::renew:
      tunnel.budget.allowance = order.octets;
      tunnel.budget.told = false;
      // A small buffer makes octets half as dear again.
      if (order.scarce && tunnel.most_unread > 0)
        bound_unread(tunnel.fd[1], std::exchange(tunnel.most_unread, 0));
      pump_both(tunnel, index, 0, kGlanceBytes);
      return;
  }
}

void Loop::look_at_timers() {
  due_.clear();
  wheel_.advance(now_ms_, due_);
  for (const uint32_t index : due_) {
    Tunnel& tunnel = slot_at(index)->tunnel;
    if (tunnel.state != State::running) continue;
    if (now_ms_ - tunnel.active_ms >= tunnel.idle_ms) {
      finish(tunnel, index, Kind::idle);
      continue;
    }
    if (!tunnel.kept_alive && now_ms_ - tunnel.adopted_ms >= kKeepAliveAfterMs) keep_alive(tunnel);
    set_timer(tunnel, index);
    if (tunnel.budget.pace > 0) pump_both(tunnel, index, 0, kGlanceBytes);
  }
}

void Loop::set_timer(Tunnel& tunnel, uint32_t index) {
  const int64_t idle_at = tunnel.active_ms + tunnel.idle_ms;
  const auto lasting_at = static_cast<int64_t>(tunnel.adopted_ms) + kKeepAliveAfterMs;
  wheel_.set(index, tunnel.kept_alive ? idle_at : std::min(idle_at, lasting_at));
}

Tunnel* Loop::find(uint64_t handle, uint32_t& index) const {
  index = slot_of(handle);
  Slot* slot = slot_at(index);
  const uint64_t generation = generation_of(handle);
  if (slot == nullptr || generation == 0 || slot->lives.load(std::memory_order_acquire) != generation) return nullptr;
  return slot->tunnel.state == State::running ? &slot->tunnel : nullptr;
}

uint64_t Loop::handle_of(uint32_t index) const { return make_handle(slot_at(index)->generation, number_, index); }

}  // namespace relay
