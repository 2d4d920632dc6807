// Turns: streams that never rest share a relay's thread, and whoever has little to say must not wait for all of them. So between two
// looks at events the thread may move no more than one turn of one stream and a glance at each. What it moves and when it looks is
// seen here: its calls of splice and epoll_wait come through this file. Nor may an order wait for the end of a turn: a tunnel that is
// to stop would have passed megabytes meanwhile; and one that was given before octets came goes before them.
//
//   relay-turns        exit code 0 where that holds and all octets come through; 2 where no stream was long enough for a turn
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "relay-core.h"

namespace {

constexpr int kStreams = 6;
constexpr long kMostWaitS = 20;
constexpr uint64_t kOctets = 96 * 1024 * 1024;
constexpr uint64_t kTurn = 4 * 1024 * 1024;
/** A glance, and the chunk that exceeds it. */
constexpr uint64_t kGlance = 512 * 1024;

/** Octets that the relay has taken since it last looked, and the most of all such times. */
std::atomic<uint64_t> taken{0};
std::atomic<uint64_t> most{0};

/** What an order is given by, amid a turn, and what is taken from then on until the thread looks. */
std::atomic<relay::Core*> orders{nullptr};
std::atomic<uint64_t> ordered{0};
std::atomic<uint64_t> taken_at_order{0};
std::atomic<uint64_t> taken_after{0};
constexpr uint64_t kOrderAfter = 1024 * 1024;

/** What is told to pass nothing more once the thread knows of its octets, and has yet to take them; and what it takes all the same. */
std::atomic<relay::Core*> stopping{nullptr};
std::atomic<uint64_t> stopped{0};
std::atomic<bool> is_told{false};
std::atomic<uint64_t> passed_before{0};
std::atomic<uint64_t> passed_after{0};

void connect_pair(int& peer, int& end) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 1) != 0) std::abort();
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  peer = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(peer, reinterpret_cast<sockaddr*>(&address), length) != 0) std::abort();
  end = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  const timeval longest{kMostWaitS, 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) setsockopt(peer, SOL_SOCKET, option, &longest, sizeof longest);
  close(listener);
}

void send_all(int fd) {
  const std::string octets(256 * 1024, 'x');
  for (uint64_t sent = 0; sent < kOctets;) {
    const ssize_t count = send(fd, octets.data(), std::min<uint64_t>(octets.size(), kOctets - sent), MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<uint64_t>(count);
  }
  shutdown(fd, SHUT_WR);
}

uint64_t receive_all(int fd) {
  uint64_t received = 0;
  // Octets that nobody looks at needn't be copied: so the streams are as fast as they can be.
  for (ssize_t count; (count = recv(fd, nullptr, 1 << 20, MSG_TRUNC)) > 0;) received += static_cast<uint64_t>(count);
  return received;
}

}  // namespace

extern "C" ssize_t splice(int in, off64_t* in_offset, int out, off64_t* out_offset, size_t length, unsigned flags) {
  const ssize_t count = syscall(SYS_splice, in, in_offset, out, out_offset, length, flags);
  // Each octet passes twice: into a pipe and out of it.
  if (count > 0) taken += static_cast<uint64_t>(count);
  if (taken / 2 >= kOrderAfter) {
    if (relay::Core* core = orders.exchange(nullptr)) {
      core->renew(ordered, 0);
      taken_at_order = taken.load();
    }
  }
  return count;
}

namespace {

void stop_before_octets(relay::Core& core, const epoll_event* events, int count) {
  for (int i = 0; i < count && !is_told; i++) {
    uint64_t octets[2];
    if (events[i].data.u64 != (stopped | 1) || !core.counts(stopped, octets)) continue;
    passed_before = octets[1];
    core.renew(stopped, 0);
    is_told = true;
  }
}

void note_what_passed(relay::Core& core) {
  uint64_t octets[2];
  if (is_told && core.counts(stopped, octets)) passed_after = 1 + octets[1];
}

}  // namespace

extern "C" int epoll_wait(int epoll, epoll_event* events, int room, int wait_ms) {
  const uint64_t all = taken.exchange(0);
  const uint64_t moved = all / 2;
  if (moved > most) most = moved;
  if (const uint64_t before = taken_at_order.exchange(0)) taken_after = 1 + (all - before) / 2;
  relay::Core* core = stopping;
  if (core != nullptr) note_what_passed(*core);
  const auto count = static_cast<int>(syscall(SYS_epoll_wait, epoll, events, room, wait_ms));
  if (core != nullptr) stop_before_octets(*core, events, count);
  return count;
}

namespace {

int turns() {
  relay::Core core({1, kStreams * 2});
  std::vector<std::thread> threads;
  std::atomic<uint64_t> received{0};
  for (int i = 0; i < kStreams; i++) {
    relay::Adoption adoption;
    int peers[2];
    for (int side = 0; side < 2; side++) connect_pair(peers[side], adoption.fd[side]);
    adoption.idle_ms = 60'000;
    threads.emplace_back([fd = peers[1]] { send_all(fd); });
    threads.emplace_back([fd = peers[0], &received] {
      received += receive_all(fd);
      close(fd);
    });
    if (core.adopt(adoption) == 0) return 1;
    for (const int fd : adoption.fd) close(fd);
  }
  for (std::thread& thread : threads) thread.join();
  // Each may be glanced at twice: for an event, and as it is handed over.
  const uint64_t bound = kTurn + (2 * kStreams + 1) * kGlance;
  std::printf("%.0f of %.0f MB came through, %.1f MB at most between two looks (bound %.1f)\n", received / 1e6,
              kStreams * kOctets / 1e6, most / 1e6, bound / 1e6);
  if (received != kStreams * kOctets || most > bound) return 1;
  return most < kTurn / 4 ? 2 : 0;
}

/** Hands over a tunnel between two peers. Its handle, or 0. */
uint64_t open_tunnel(relay::Core& core, int peers[2]) {
  relay::Adoption adoption;
  for (int side = 0; side < 2; side++) connect_pair(peers[side], adoption.fd[side]);
  adoption.idle_ms = 60'000;
  const uint64_t handle = core.adopt(adoption);
  for (const int fd : adoption.fd) close(fd);
  return handle;
}

int order() {
  relay::Core core({1, 2});
  int peers[2];
  const uint64_t handle = open_tunnel(core, peers);
  if (handle == 0) return 1;
  ordered = handle;
  orders = &core;
  std::thread sender(send_all, peers[1]);
  std::thread receiver([fd = peers[0]] { receive_all(fd); });
  while (taken_after == 0 && core.stats().live > 0) std::this_thread::yield();
  core.cut(handle);
  sender.join();
  receiver.join();
  for (const int fd : peers) close(fd);
  if (taken_after == 0) return 2;
  std::printf("%.2f MB between an order and the look (bound %.2f)\n", (taken_after - 1) / 1e6, kGlance / 1e6);
  return taken_after - 1 <= kGlance ? 0 : 1;
}

int order_before_octets() {
  relay::Core core({1, 2});
  int peers[2];
  stopped = open_tunnel(core, peers);
  if (stopped == 0) return 1;
  stopping = &core;
  // What wakes the thread first may pass: it has waited since before that.
  for (int i = 0; i < kMostWaitS * 1000 && passed_after == 0; i++) {
    if (send(peers[1], "octets", 6, MSG_NOSIGNAL) <= 0) break;
    usleep(1000);
  }
  stopping = nullptr;
  core.cut(stopped);
  for (const int fd : peers) close(fd);
  if (passed_after == 0) return 2;
  std::printf("%d octets passed behind the order that came before them\n", static_cast<int>(passed_after - 1 - passed_before));
  return passed_after - 1 == passed_before ? 0 : 1;
}

}  // namespace

int main() {
  for (const auto check : {turns, order, order_before_octets})
    if (const int result = check()) return result;
  return 0;
}
