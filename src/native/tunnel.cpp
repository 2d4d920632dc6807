#include "tunnel.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace relay {
namespace {

/** How much of a paced tunnel may pass at once, in seconds of its pace, but never less than this many octets. */
constexpr double kBurstSeconds = 0.1;
constexpr double kLeastBurst = 2048;

/** Less is not worth a turn. */
constexpr double kLeastTurn = 512;

/** A ClientHello with post-quantum keys has some 1,800 octets. */
constexpr size_t kMostBeginning = 4096;

double milliseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/** Content types 20 to 24, major version 3 (RFC 8446 §5.1). */
bool is_tls_record(const unsigned char* octets, size_t length) {
  return length >= 5 && octets[0] >= 20 && octets[0] <= 24 && octets[1] == 3;
}

}  // namespace

double precise_now_ms() { return milliseconds(CLOCK_MONOTONIC); }

int64_t coarse_now_ms() { return static_cast<int64_t>(milliseconds(CLOCK_MONOTONIC_COARSE)); }

size_t Budget::room(int64_t now_ms) {
  size_t room = std::numeric_limits<size_t>::max();
  if (allowance >= 0) room = static_cast<size_t>(allowance);
  if (pace > 0) {
    const double burst = std::max(pace * kBurstSeconds, kLeastBurst);
    saved = std::min(burst, saved + pace * static_cast<double>(now_ms - saved_at_ms) / 1e3);
    saved_at_ms = now_ms;
    room = saved < kLeastTurn ? 0 : std::min(room, static_cast<size_t>(saved));
  }
  return room;
}

void Budget::take(size_t octets) {
  // What was read before the hand-over may be more than is allowed.
  if (allowance >= 0) allowance = std::max<int64_t>(0, allowance - static_cast<int64_t>(octets));
  if (pace > 0) saved -= static_cast<double>(octets);
}

void note_first(Tunnel& tunnel, int side, Span octets) {
  FirstOctets& first = tunnel.way[side].first;
  if (first.after_ms >= 0 || octets.length == 0) return;
  first.after_ms = std::max(0.0, precise_now_ms() - tunnel.adopted_ms);
  if (side == 0 && tunnel.keeps_beginning)
    tunnel.beginning = std::make_unique<std::string>(octets.octets, std::min(octets.length, kMostBeginning));
  const auto* head = reinterpret_cast<const unsigned char*>(octets.octets);
  if (!is_tls_record(head, octets.length)) return;
  first.record_type = head[0];
  first.record_length = head[3] << 8 | head[4];
}

bool send_or_queue(int fd, Direction& way, Span first, Span second) {
  if (first.length + second.length == 0) return true;
  iovec parts[2] = {{const_cast<char*>(first.octets), first.length}, {const_cast<char*>(second.octets), second.length}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  const ssize_t result = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (result < 0 && errno != EAGAIN) return false;
  const size_t sent = result < 0 ? 0 : static_cast<size_t>(result);
  if (sent == first.length + second.length) return true;
  way.left = std::make_unique<Leftover>();
  way.left->octets.reserve(first.length + second.length);
  way.left->octets.append(first.octets, first.length).append(second.octets, second.length);
  way.left->sent = sent;
  return true;
}

}  // namespace relay
