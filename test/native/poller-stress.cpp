// Drives two pollers, each in a thread of its own, without Node. Random sockets against peers in another thread that answer each octet
// with itself: some are dialled, some accepted, some attached again after a release; content is checked octet by octet, and each ends
// by a FIN, a reset, a close or a release, in the midst of a batch or between two. At the end nothing may be left: no socket, no
// descriptor.
//
//   poller-stress [SOCKETS=2000] [SEED=1]        exit code 0 where all is well
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include "loopback.h"
#include "poller.h"

namespace {

using relay::Address;
using relay::Poller;
using Clock = std::chrono::steady_clock;

constexpr size_t kThreads = 2;
constexpr size_t kAtOnce = 40;
constexpr size_t kEvents = 32;
/** Time without any event after which a run is given up. */
constexpr int kMostRestMs = 60'000;

std::atomic<int> faults{0};

void expect(bool holds, const char* what) {
  if (!holds && ++faults < 20) std::fprintf(stderr, "fault: %s (errno %d)\n", what, errno);
}

Address at(const char* text, uint16_t port) {
  Address address;
  if (!relay::parse_address(text, port, address)) std::abort();
  return address;
}

/** Answers octets with themselves over blocking connections; also dials where it is told to. */
class Peers {
 public:
  Peers() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const Address any = at("127.0.0.1", 0);
    if (bind(listener_, &any.any, any.length()) != 0 || listen(listener_, 512) != 0) std::abort();
    port_ = relay::own_address(listener_).port();
    thread_ = std::thread([this] { run(); });
  }
  ~Peers() {
    ends_ = true;
    thread_.join();
    close(listener_);
  }
  uint16_t port() const { return port_; }
  void dial(uint16_t port) {
    target_ = port;
    to_dial_++;
  }

 private:
  void run() {
    std::vector<pollfd> watched;
    while (!ends_ || watched.size() > 1) {
      for (; to_dial_ > 0; to_dial_--) dial_now(watched);
      if (watched.empty()) watched.push_back({listener_, POLLIN, 0});
      poll(watched.data(), watched.size(), 1);
      for (size_t i = watched.size(); i-- > 1;)
        if (watched[i].revents != 0 && !answer(watched[i].fd)) {
          close(watched[i].fd);
          watched[i] = watched.back();
          watched.pop_back();
        }
      for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) watched.push_back({fd, POLLIN, 0});
    }
  }
  void dial_now(std::vector<pollfd>& watched) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const Address to = at("127.0.0.1", target_);
    if (connect(fd, &to.any, to.length()) != 0) std::abort();
    if (watched.empty()) watched.push_back({listener_, POLLIN, 0});
    watched.push_back({fd, POLLIN, 0});
  }
  static bool answer(int fd) {
    char octets[4096];
    const ssize_t count = recv(fd, octets, sizeof octets, 0);
    return count > 0 && send(fd, octets, static_cast<size_t>(count), MSG_NOSIGNAL) == count;
  }

  int listener_;
  uint16_t port_ = 0;
  std::atomic<uint16_t> target_{0};
  std::atomic<int> to_dial_{0};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

struct Talk {
  uint8_t seed = 0;
  size_t total = 0;
  size_t sent = 0;
  size_t heard = 0;
  bool connected = false;
  bool shut = false;
};

class Driver {
 public:
  Driver(Peers& peers, unsigned seed) : peers_(peers), random_(seed) {
    listener_ = poller_.listen(at("127.0.0.1", 0), true, 512);
    expect(listener_ > 0, "listen");
    const std::string ends = poller_.ends(static_cast<uint64_t>(listener_));
    port_ = static_cast<uint16_t>(std::atoi(ends.c_str() + ends.find(' ')));
  }

  /** Until so many have ended. */
  void run(size_t sockets) {
    size_t begun = 0;
    while (faults == 0 && (begun < sockets || !talks_.empty() || awaited_ > 0)) {
      for (; begun < sockets && talks_.size() + awaited_ < kAtOnce; begun++) begin();
      pollfd ready{poller_.epoll(), POLLIN, 0};
      if (poll(&ready, 1, kMostRestMs) <= 0) return expect(false, "nothing happens any more");
      double events[kEvents * relay::kEventFields];
      const size_t most = 2 + below(kEvents - 1);
      const size_t count = poller_.collect(events, most);
      expect(count <= most, "more events than there is room for");
      for (size_t i = 0; i < count; i++) happened(&events[i * relay::kEventFields]);
      poller_.settle();
      try_stale();
    }
    poller_.close(static_cast<uint64_t>(listener_), false);
    expect(poller_.size() == 0 || faults > 0, "sockets are left");
  }

 private:
  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }

  void begin() {
    if (below(2) == 0) {
      awaited_++;
      return peers_.dial(port_);
    }
    const int64_t handle = poller_.connect(at("127.0.0.1", peers_.port()), below(2) ? Address() : at("127.0.0.1", 0));
    expect(handle > 0, "connect");
    enter(handle, false);
  }

  void enter(int64_t handle, bool connected) {
    Talk talk;
    talk.seed = static_cast<uint8_t>(below(256));
    talk.total = below(20'000);
    talk.connected = connected;
    expect(talks_.emplace(static_cast<uint64_t>(handle), talk).second, "a handle names two sockets");
  }

  void happened(const double* event) {
    const auto handle = static_cast<uint64_t>(event[0]);
    const auto bits = static_cast<uint32_t>(event[1]);
    if (bits & relay::kAccepted) {
      awaited_--;
      enter(static_cast<int64_t>(event[2]), true);
      return go_on(static_cast<uint64_t>(event[2]));
    }
    const auto found = talks_.find(handle);
    // It was closed earlier in this batch.
    if (found == talks_.end()) return;
    expect((bits & relay::kFailed) == 0, "a connection failed");
    if (bits & relay::kConnected) found->second.connected = true;
    expect(found->second.connected, "an event before the connection stands");
    // Any other ends as well, its event perhaps waiting in this very batch.
    if (below(20) == 0) leave(talks_.begin()->first);
    if (talks_.count(handle) != 0) go_on(handle);
  }

  void go_on(uint64_t handle) {
    Talk& talk = talks_.at(handle);
    while (talk.sent < talk.total) {
      char octets[4000];
      const size_t length = std::min(sizeof octets, talk.total - talk.sent);
      for (size_t i = 0; i < length; i++) octets[i] = octet(talk, talk.sent + i);
      const int64_t taken = poller_.write(handle, octets, length);
      if (taken < 0) {
        expect(taken == -EAGAIN, "write");
        break;
      }
      talk.sent += static_cast<size_t>(taken);
    }
    if (talk.sent == talk.total && !talk.shut) {
      talk.shut = true;
      expect(poller_.shut_down(handle) == 0, "shutdown");
    }
    hear(handle, talk);
  }

  void hear(uint64_t handle, Talk& talk) {
    char octets[3000];
    for (;;) {
      const int64_t count = poller_.read(handle, octets, 1 + below(sizeof octets));
      if (count == -EAGAIN) return;
      expect(count >= 0, "read");
      for (int64_t i = 0; i < count; i++) expect(octets[i] == octet(talk, talk.heard + static_cast<size_t>(i)), "octets differ");
      if (count > 0) {
        talk.heard += static_cast<size_t>(count);
        continue;
      }
      expect(talk.heard == talk.total, "octets are missing");
      return leave(handle);
    }
  }

  static char octet(const Talk& talk, size_t position) { return static_cast<char>(talk.seed + position * 7); }

  void leave(uint64_t handle) {
    const Talk talk = talks_.at(handle);
    talks_.erase(handle);
    stale_ = handle;
    const bool may_move = talk.connected && talk.heard < talk.total;
    if (!may_move || below(3) != 0) {
      if (below(4) == 0) expect(poller_.descriptor(handle) >= 0, "descriptor");
      return poller_.close(handle, below(2) == 0);
    }
    const int64_t fd = poller_.release(handle);
    expect(fd >= 0, "release");
    if (below(2) == 0) {
      close(static_cast<int>(fd));
      return;
    }
    const int64_t again = poller_.attach(static_cast<int>(fd));
    expect(again > 0 && static_cast<uint64_t>(again) != handle, "attach");
    talks_.emplace(static_cast<uint64_t>(again), talk);
  }

  void try_stale() {
    if (stale_ == 0) return;
    char octet = 0;
    expect(poller_.read(stale_, &octet, 1) == -EBADF && poller_.write(stale_, &octet, 1) == -EBADF, "a stale handle reads or writes");
    expect(poller_.shut_down(stale_) == -EBADF && poller_.release(stale_) == -EBADF, "a stale handle is shut or released");
    expect(poller_.descriptor(stale_) == -EBADF && poller_.ends(stale_).empty(), "a stale handle has a descriptor or ends");
    poller_.close(stale_, true);
  }

  Peers& peers_;
  std::mt19937 random_;
  Poller poller_;
  int64_t listener_ = -1;
  uint16_t port_ = 0;
  std::unordered_map<uint64_t, Talk> talks_;
  size_t awaited_ = 0;
  uint64_t stale_ = 0;
};

}  // namespace

int main(int count, char** values) {
  const size_t sockets = count > 1 ? std::strtoul(values[1], nullptr, 10) : 2000;
  const unsigned seed = count > 2 ? static_cast<unsigned>(std::strtoul(values[2], nullptr, 10)) : 1;
  const int before = descriptors();
  {
    Peers peers[kThreads];
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; i++)
      threads.emplace_back([&, i] { Driver(peers[i], seed * 1000 + i).run(sockets / kThreads); });
    for (std::thread& thread : threads) thread.join();
    // Those of peers are left where a fault ended the run.
    if (faults > 0) std::_Exit(1);
  }
  expect(descriptors() == before, "descriptors are left");
  std::printf("%zu sockets\n", sockets);
  return faults == 0 ? 0 : 1;
}
