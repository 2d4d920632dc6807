// The gap in a hand-over: the relay's thread meets a tunnel of which one descriptor is entered in its epoll set, and the other, whose
// receiver is full, is not. What the thread asks of that one is refused by the kernel, and it must ask again. The calls of
// epoll_ctl that the core makes come through here, so that the gap lasts until it was met.
//
//   relay-handover        exit code 0 where all octets come through; 2 where the gap was not met
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <future>
#include <string>

#include "relay-core.h"

namespace {

constexpr std::chrono::seconds kMostWait{20};
constexpr size_t kOctets = 4096;

std::atomic<bool> armed{false};
std::promise<void> refused;

int enter(int epoll, int operation, int fd, epoll_event* event) {
  return static_cast<int>(syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

}  // namespace

extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  const int result = enter(epoll, operation, fd, event);
  if (operation == EPOLL_CTL_ADD && armed.exchange(false)) {
    if (refused.get_future().wait_for(kMostWait) != std::future_status::ready) std::_Exit(2);
  } else if (operation == EPOLL_CTL_MOD && result != 0 && errno == ENOENT) {
    refused.set_value();
    errno = ENOENT;
  }
  return result;
}

int main() {
  int client[2];
  int exit_side[2];
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, client);
  socketpair(AF_UNIX, SOCK_STREAM, 0, exit_side);
  size_t expected = kOctets;
  const std::string octets(kOctets, 'x');
  // Until the exit takes no more.
  for (ssize_t sent; (sent = send(exit_side[0], octets.data(), octets.size(), MSG_DONTWAIT)) > 0;) expected += static_cast<size_t>(sent);
  if (write(client[1], octets.data(), octets.size()) != static_cast<ssize_t>(kOctets)) return 1;

  relay::Core core({1, 0});
  relay::Adoption adoption;
  adoption.fd[0] = client[0];
  adoption.fd[1] = exit_side[0];
  adoption.idle_ms = 60'000;
  armed.store(true);
  if (core.adopt(adoption) == 0) return 1;

  const timeval most{kMostWait.count(), 0};
  setsockopt(exit_side[1], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  size_t received = 0;
  char room[65536];
  while (received < expected) {
    const ssize_t count = read(exit_side[1], room, sizeof room);
    if (count <= 0) break;
    received += static_cast<size_t>(count);
  }
  std::printf("%zu of %zu octets came through\n", received, expected);
  return received == expected ? 0 : 1;
}
