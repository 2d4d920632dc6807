#include "poller.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace relay {
namespace {

constexpr int kNumberBits = 20;
constexpr uint64_t kNumbers = 1ull << kNumberBits;
constexpr uint64_t kSequences = 1ull << (53 - kNumberBits);

constexpr uint32_t kWatched = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/** Between two probes, and how many go unanswered before a connection is taken for dead: as Node has it. */
constexpr int kProbeIntervalS = 1;
constexpr int kProbes = 10;

constexpr int number_of(uint64_t handle) { return static_cast<int>(handle & (kNumbers - 1)); }

void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); }

/** Closes it and returns the error. */
int64_t give_up(int fd, int error) {
  close(fd);
  return -error;
}

int open_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

}  // namespace

int64_t Poller::listen(const Address& at, bool reuse_port, int backlog) {
  const int fd = open_socket(at.family());
  if (fd < 0) return -errno;
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (at.family() == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // What is accepted inherits it.
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (bind(fd, &at.any, at.length()) != 0 || ::listen(fd, backlog) != 0) return give_up(fd, errno);
  const int64_t handle = enter(fd, Kind::listener, {});
  return handle < 0 ? give_up(fd, static_cast<int>(-handle)) : handle;
}

int64_t Poller::connect(const Address& to, const Address& from) {
  const int fd = open_socket(to.family());
  if (fd < 0) return -errno;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (from.is_set()) {
#ifdef IP_BIND_ADDRESS_NO_PORT
    // The port is chosen when the peer is known, so that one port serves many peers.
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
#endif
    if (bind(fd, &from.any, from.length()) != 0) return give_up(fd, errno);
  }
  // Entered only then: before, it would have hung up.
  if (::connect(fd, &to.any, to.length()) != 0 && errno != EINPROGRESS && errno != EINTR) return give_up(fd, errno);
  const int64_t handle = enter(fd, Kind::connecting, to);
  return handle < 0 ? give_up(fd, static_cast<int>(-handle)) : handle;
}

int64_t Poller::attach(int fd) {
  // One whose peer has left meanwhile is taken all the same: whoever reads it is told.
  const Address peer = peer_address(fd);
  if (!peer.is_set() && errno != ENOTCONN) return -errno;
  int on = 1;
  if (ioctl(fd, FIONBIO, &on) != 0) return -errno;
  return enter(fd, Kind::connected, peer);
}

int64_t Poller::read(uint64_t handle, char* into, size_t most) {
  if (find(handle) == nullptr) return -EBADF;
  if (most == 0) return -EINVAL;
  ssize_t octets;
  do octets = recv(number_of(handle), into, most, MSG_DONTWAIT);
  while (octets < 0 && errno == EINTR);
  return octets < 0 ? -errno : octets;
}

int64_t Poller::write(uint64_t handle, const char* octets, size_t length) {
  if (find(handle) == nullptr) return -EBADF;
  if (length == 0) return 0;
  ssize_t taken;
  do taken = send(number_of(handle), octets, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (taken < 0 && errno == EINTR);
  return taken < 0 ? -errno : taken;
}

int64_t Poller::shut_down(uint64_t handle) {
  if (find(handle) == nullptr) return -EBADF;
  return shutdown(number_of(handle), SHUT_WR) == 0 ? 0 : -errno;
}

void Poller::close(uint64_t handle, bool reset) {
  const Entry* entry = find(handle);
  if (entry == nullptr) return;
  const int fd = number_of(handle);
  const linger at_once = {1, 0};
  if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (entry->exposed) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  forget(fd);
  if (collecting_) {
    to_close_.push_back(fd);
  } else {
    ::close(fd);
  }
}

int64_t Poller::release(uint64_t handle) {
  if (find(handle) == nullptr) return -EBADF;
  const int fd = number_of(handle);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  forget(fd);
  return fd;
}

int64_t Poller::descriptor(uint64_t handle) {
  Entry* entry = find(handle);
  if (entry == nullptr) return -EBADF;
  entry->exposed = true;
  return number_of(handle);
}

int64_t Poller::keep_alive(uint64_t handle, int seconds) {
  if (find(handle) == nullptr) return -EBADF;
  const int fd = number_of(handle);
  if (seconds > 0) {
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeIntervalS);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  }
  const int on = seconds > 0 ? 1 : 0;
  return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 ? 0 : -errno;
}

std::string Poller::ends(uint64_t handle) const {
  const Entry* entry = find(handle);
  if (entry == nullptr) return {};
  const Address own = own_address(number_of(handle));
  if (!own.is_set()) return {};
  const bool has_peer = entry->peer.is_set();
  return text_of(own) + ' ' + std::to_string(own.port()) + ' ' + text_of(entry->peer) + ' ' +
         (has_peer ? std::to_string(entry->peer.port()) : "");
}

std::string Poller::peer(uint64_t handle) const {
  const Entry* entry = find(handle);
  return entry == nullptr ? std::string() : text_of(entry->peer);
}

/** The descriptor stays the caller's where this fails. */
int64_t Poller::enter(int fd, Kind kind, const Address& peer) {
  const auto number = static_cast<size_t>(fd);
  if (number >= kNumbers) return -EMFILE;
  if (number >= entries_.size()) entries_.resize(number + 1);
  Entry& entry = entries_[number];
  if (entry.sequence != 0) return -EEXIST;
  last_sequence_ = last_sequence_ % (kSequences - 1) + 1;
  epoll_event event{};
  event.events = kind == Kind::listener ? static_cast<uint32_t>(EPOLLIN) : kWatched;
  event.data.u64 = last_sequence_ << kNumberBits | number;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
  entry = {};
  entry.sequence = last_sequence_;
  entry.peer = peer;
  entry.kind = kind;
  size_++;
  return static_cast<int64_t>(event.data.u64);
}

Poller::Entry* Poller::find(uint64_t handle) {
  const uint64_t number = handle & (kNumbers - 1);
  const uint64_t sequence = handle >> kNumberBits;
  if (sequence == 0 || number >= entries_.size() || entries_[number].sequence != sequence) return nullptr;
  return &entries_[number];
}

const Poller::Entry* Poller::find(uint64_t handle) const { return const_cast<Poller*>(this)->find(handle); }

void Poller::forget(int fd) {
  entries_[static_cast<size_t>(fd)].sequence = 0;
  size_--;
}

}  // namespace relay
