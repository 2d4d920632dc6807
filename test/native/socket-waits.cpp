// How long octets have waited, as the system tells it, from several threads at once and of what is no TCP connection.
//
//   socket-waits          exit code 0, or the line of the check that failed (modulo 256)
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "waiting.h"

namespace {

using Clock = std::chrono::steady_clock;

/** What the system's ticks may be off, in ms. */
constexpr int64_t kTickMs = 20;

int64_t ms_since(Clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - then).count();
}

void check(bool holds, int line) {
  if (holds) return;
  std::fprintf(stderr, "line %d does not hold\n", line);
  std::_Exit(line % 256 == 0 ? 1 : line % 256);
}

/** Both ends of a TCP connection over loopback. */
void connect_pair(int ends[2]) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0, __LINE__);
  check(listen(listener, 1) == 0, __LINE__);
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0, __LINE__);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  check(connect(ends[0], reinterpret_cast<sockaddr*>(&address), length) == 0, __LINE__);
  ends[1] = accept(listener, nullptr, nullptr);
  check(ends[1] >= 0, __LINE__);
  close(listener);
}

/** Sends an octet, and returns when it was sent; it is there then. */
Clock::time_point send_one(const int ends[2]) {
  const auto at = Clock::now();
  check(write(ends[0], "x", 1) == 1, __LINE__);
  pollfd readable{ends[1], POLLIN, 0};
  check(poll(&readable, 1, 20'000) == 1, __LINE__);
  return at;
}

void check_waits(int fd, Clock::time_point sent, Clock::time_point there, int line) {
  const int64_t least = ms_since(there);
  const int64_t waited = relay::waited_ms(fd);
  check(waited >= least - kTickMs && waited <= ms_since(sent) + kTickMs, line);
}

}  // namespace

int main() {
  int ends[2];
  connect_pair(ends);
  const auto first = send_one(ends);
  const auto there = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  check_waits(ends[1], first, there, __LINE__);
  char octet = 0;
  check(read(ends[1], &octet, 1) == 1, __LINE__);
  check_waits(ends[1], first, there, __LINE__);

  const auto second = send_one(ends);
  check_waits(ends[1], second, Clock::now(), __LINE__);
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; i++)
    askers.emplace_back([&ends] {
      for (int asked = 0; asked < 1000; asked++) check(relay::waited_ms(ends[1]) >= 0, __LINE__);
    });
  for (int sent = 0; sent < 1000; sent++) check(write(ends[0], "x", 1) == 1, __LINE__);
  for (auto& asker : askers) asker.join();

  int pair[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, __LINE__);
  int pipes[2];
  check(pipe(pipes) == 0, __LINE__);
  const int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
  for (const int fd : {-1, 1 << 30, pair[0], pipes[0], datagrams}) check(relay::waited_ms(fd) == -1, __LINE__);
  close(ends[1]);
  check(relay::waited_ms(ends[1]) == -1, __LINE__);
}
