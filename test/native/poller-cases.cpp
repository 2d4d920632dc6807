// What a poller does in cases that chance doesn't bring: exit code 0 where all is well.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "poller.h"

namespace {

using relay::Address;
using relay::Poller;

/** Time without any event after which a case is given up. */
constexpr int kMostRestMs = 60'000;

int faults = 0;

void expect(bool holds, const char* what) {
  if (!holds && ++faults < 20) std::fprintf(stderr, "fault: %s (errno %d)\n", what, errno);
}

Address at(const char* text, uint16_t port) {
  Address address;
  if (!relay::parse_address(text, port, address)) std::abort();
  return address;
}

int dial(const Address& to) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, &to.any, to.length()) != 0) std::abort();
  return fd;
}

bool has_no_delay(Poller& poller, double handle) {
  int on = 0;
  socklen_t length = sizeof on;
  const auto fd = static_cast<int>(poller.descriptor(static_cast<uint64_t>(handle)));
  return getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0 && on != 0;
}

/** What is small leaves at once, of connections dialled and accepted. */
void try_no_delay() {
  Poller poller;
  const auto listener = static_cast<uint64_t>(poller.listen(at("127.0.0.1", 0), false, 8));
  const Address own = relay::own_address(static_cast<int>(poller.descriptor(listener)));
  expect(has_no_delay(poller, static_cast<double>(poller.connect(own, {}))), "a dialled socket delays");
  for (bool accepted = false; !accepted;) {
    pollfd ready{poller.epoll(), POLLIN, 0};
    if (poll(&ready, 1, kMostRestMs) <= 0) return expect(false, "nothing is accepted");
    double events[8 * relay::kEventFields];
    const size_t count = poller.collect(events, 8);
    for (const double* event = events; event < events + count * relay::kEventFields; event += relay::kEventFields) {
      if ((static_cast<uint32_t>(event[1]) & relay::kAccepted) == 0) continue;
      accepted = true;
      expect(has_no_delay(poller, event[2]), "an accepted socket delays");
    }
    poller.settle();
  }
}

/** Octets behind an urgent one are told of, though the read before stopped short of them. */
void try_urgent() {
  Poller poller;
  const int64_t listener = poller.listen(at("127.0.0.1", 0), false, 8);
  const Address own = relay::own_address(static_cast<int>(poller.descriptor(static_cast<uint64_t>(listener))));
  const int peer = dial(own);
  expect(send(peer, "a", 1, 0) == 1 && send(peer, "!", 1, MSG_OOB) == 1 && send(peer, "b", 1, 0) == 1, "send");
  bool told = false;
  while (!told) {
    pollfd ready{poller.epoll(), POLLIN, 0};
    if (poll(&ready, 1, kMostRestMs) <= 0) break;
    double events[8 * relay::kEventFields];
    const size_t count = poller.collect(events, 8);
    for (size_t i = 0; i < count; i++) told = told || (static_cast<uint32_t>(events[i * relay::kEventFields + 1]) & relay::kHungUp) != 0;
    poller.settle();
  }
  expect(told, "nobody tells of an urgent octet");
  close(peer);
}

/** A descriptor that is no connection of TCP stays the caller's. */
void try_others() {
  Poller poller;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
  errno = 0;
  expect(poller.attach(pair[0]) == -EAFNOSUPPORT, "a Unix socket is attached");
  expect(poller.attach(0) < 0 && poller.attach(-1) == -EBADF, "no socket is attached");
  expect(close(pair[0]) == 0 && close(pair[1]) == 0, "the caller's descriptor is closed");
}

/** How many connections the next batch accepts; -1 where there is none within so long. */
int accepted_within(Poller& poller, int ms) {
  pollfd ready{poller.epoll(), POLLIN, 0};
  if (poll(&ready, 1, ms) <= 0) return -1;
  double events[8 * relay::kEventFields];
  const size_t count = poller.collect(events, 8);
  poller.settle();
  int accepted = 0;
  for (size_t i = 0; i < count; i++)
    if (static_cast<uint32_t>(events[i * relay::kEventFields + 1]) & relay::kAccepted) accepted++;
  return accepted;
}

/** A listener that can't even turn a client away rests until the next comes, and then accepts both. */
void try_shortage() {
  Poller poller;
  const auto listener = static_cast<uint64_t>(poller.listen(at("127.0.0.1", 0), false, 8));
  const Address own = relay::own_address(static_cast<int>(poller.descriptor(listener)));
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  const rlimit none{3, usual.rlim_max};
  const int first = dial(own);
  setrlimit(RLIMIT_NOFILE, &none);
  expect(accepted_within(poller, kMostRestMs) == 0, "a connection is accepted without a descriptor");
  int rounds = 0;
  while (rounds < 100 && accepted_within(poller, 0) >= 0) rounds++;
  expect(rounds < 100, "a listener that can't accept doesn't rest");
  setrlimit(RLIMIT_NOFILE, &usual);
  const int second = dial(own);
  int accepted = 0;
  for (int more = 0; accepted < 2 && more >= 0; accepted += more > 0 ? more : 0) more = accepted_within(poller, kMostRestMs);
  expect(accepted == 2, "a client that waited isn't accepted with the next");
  close(first);
  close(second);
}

}  // namespace

int main() {
  try_urgent();
  try_no_delay();
  try_others();
  try_shortage();
  return faults == 0 ? 0 : 1;
}
