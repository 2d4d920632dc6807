// How octets move: the part of a relay thread that reads and writes.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "handle.h"
#include "loop.h"

namespace relay {
namespace {

/** Taken in one go through a pipe. */
constexpr size_t kChunkBytes = 256 * 1024;

/** Taken in one go by copying, which is cheaper than a pipe for so little. */
constexpr size_t kCopyBytes = 16 * 1024;

/** How long a paced tunnel waits for its next octets, in ms. */
constexpr int64_t kPaceWaitMs = 32;

}  // namespace

/** Moves what can be moved both ways, first from `side`, and queues the tunnel for a turn where a direction has moved `most`. */
void Loop::pump_both(Tunnel& tunnel, uint32_t index, int side, int64_t most) {
  pump(tunnel, index, side, most);
  pump(tunnel, index, 1 - side, most);
  // That may have found `side` broken: then its last octets are taken, and the tunnel ends.
  if (tunnel.broken[side]) pump(tunnel, index, side, most);
}

/** Moves octets from `side` to the other until one of them blocks, the budget is spent, or `most` has moved. Takes nothing that
 *  can't leave: while the receiver blocks, what is held is the one chunk that it was taking. */
void Loop::pump(Tunnel& tunnel, uint32_t index, int side, int64_t most) {
  Direction& way = tunnel.way[side];
  const uint64_t before = slot_at(index)->octets[side].load(std::memory_order_relaxed);
  while (tunnel.state == State::running && !way.passed && deliver(tunnel, index, side)) {
    if (way.ended) {
      shutdown(tunnel.fd[1 - side], SHUT_WR);
      way.passed = true;
      break;
    }
    if (!tunnel.readable[side] || !tunnel.writable[1 - side]) break;
    const auto moved = static_cast<int64_t>(slot_at(index)->octets[side].load(std::memory_order_relaxed) - before);
    // An order waits for one glance at most: it may be that this tunnel has to stop.
    if (moved >= most || (moved >= kGlanceBytes && order_waits_.load(std::memory_order_relaxed))) {
      if (!tunnel.queued_again) again_.push_back(handle_of(index));
      tunnel.queued_again = true;
      break;
    }
    size_t room = kChunkBytes;
    if (tunnel.budget.limited()) room = std::min(room, tunnel.budget.room(now_ms_));
    if (room == 0) {
      out_of_budget(tunnel, index);
      break;
    }
    take_in(tunnel, index, side, room);
  }
  if (way.in_pipe == 0) pipes_.give_back(way.pipe, false);
  if (tunnel.state != State::running) return;
  const uint64_t moved = slot_at(index)->octets[side].load(std::memory_order_relaxed) - before;
  if (!tunnel.readable[side] && moved < kCopyBytes) way.bulk = false;
  if (tunnel.way[0].passed && tunnel.way[1].passed)
    finish(tunnel, index, tunnel.broken[0] || tunnel.broken[1] ? Kind::reset : Kind::closed);
}

/** Gives the receiver what was taken before. True once nothing of it is left. */
bool Loop::deliver(Tunnel& tunnel, uint32_t index, int side) {
  Direction& way = tunnel.way[side];
  const int out = 1 - side;
  while (way.left != nullptr || way.in_pipe > 0) {
    if (!tunnel.writable[out]) return false;
    Leftover* left = way.left.get();
    const ssize_t sent =
        left != nullptr
            ? send(tunnel.fd[out], left->octets.data() + left->sent, left->octets.size() - left->sent,
                   MSG_DONTWAIT | MSG_NOSIGNAL)
            : splice(way.pipe.out, nullptr, tunnel.fd[out], nullptr, way.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent <= 0) {
      not_written(tunnel, index, out);
      return false;
    }
    tunnel.active_ms = now_ms_;
    if (left == nullptr) {
      way.in_pipe -= static_cast<size_t>(sent);
    } else {
      left->sent += static_cast<size_t>(sent);
      if (left->sent == left->octets.size()) way.left.reset();
    }
  }
  return true;
}

/** Takes octets from `side`, `room` at most: through a pipe where many come and one is to be had. */
void Loop::take_in(Tunnel& tunnel, uint32_t index, int side, size_t room) {
  Direction& way = tunnel.way[side];
  if (!way.bulk || (!way.pipe.open() && !pipes_.borrow(way.pipe))) return copy(tunnel, index, side, room);
  const ssize_t count = splice(tunnel.fd[side], nullptr, way.pipe.in, nullptr, room, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count <= 0) return nothing_read(tunnel, index, side, count == 0);
  way.in_pipe = static_cast<size_t>(count);
  took(tunnel, index, side, way.in_pipe);
}

void Loop::copy(Tunnel& tunnel, uint32_t index, int side, size_t room) {
  Direction& way = tunnel.way[side];
  const int out = 1 - side;
  const size_t want = std::min(room, way.bulk ? sizeof buffer_ : kCopyBytes);
  const ssize_t count = recv(tunnel.fd[side], buffer_, want, MSG_DONTWAIT);
  if (count <= 0) return nothing_read(tunnel, index, side, count == 0);
  const Span octets{buffer_, static_cast<size_t>(count)};
  note_first(tunnel, side, octets);
  took(tunnel, index, side, octets.length);
  if (octets.length == kCopyBytes) way.bulk = true;
  // After a short read an event will tell of more, unless the last one has come.
  if (octets.length < want && !tunnel.hung_up[side]) tunnel.readable[side] = false;
  if (!send_or_queue(tunnel.fd[out], way, octets, Span())) not_written(tunnel, index, out);
}

void Loop::took(Tunnel& tunnel, uint32_t index, int side, size_t octets) {
  auto& count = slot_at(index)->octets[side];
  // This thread alone writes it.
  count.store(count.load(std::memory_order_relaxed) + octets, std::memory_order_relaxed);
  if (tunnel.budget.limited()) tunnel.budget.take(octets);
  tunnel.active_ms = now_ms_;
}

/** A pace allows more by itself, when the timer looks. Of a used-up allowance the owner is told, once. */
void Loop::out_of_budget(Tunnel& tunnel, uint32_t index) {
  Budget& budget = tunnel.budget;
  if (budget.allowance != 0) return wheel_.set(index, now_ms_ + kPaceWaitMs);
  if (budget.told) return;
  budget.told = true;
  Record record = record_of(*slot_at(index), index);
  record.kind = Kind::spent;
  record.by = -1;
  post(tunnel.owner, record);
}

void Loop::nothing_read(Tunnel& tunnel, uint32_t index, int side, bool end) {
  if (end && (!tunnel.broken[side] || tunnel.ended_whole[side])) {
    tunnel.way[side].ended = true;
    if (tunnel.ended_first < 0) tunnel.ended_first = static_cast<int8_t>(side);
  } else if (!end && errno == EAGAIN && !tunnel.broken[side]) {
    tunnel.readable[side] = false;
  } else {
    if (tunnel.by < 0) tunnel.by = static_cast<int8_t>(side);
    finish(tunnel, index, Kind::reset);
  }
}

/** A failed write: the receiver is full, and epoll will say when it isn't any more, or it is gone. */
void Loop::not_written(Tunnel& tunnel, uint32_t index, int side) {
  if (errno != EAGAIN) return break_side(tunnel, side, errno);
  tunnel.writable[side] = false;
  if (tunnel.watches_room[side]) return;
  // Only from now on: an event for room at the very beginning would wake the thread for nothing.
  tunnel.watches_room[side] = true;
  watch_room(tunnel, index, side);
}

/** Without effect on a descriptor that the thread of the hand-over has yet to enter; the tunnel's join makes up for it. */
void Loop::watch_room(const Tunnel& tunnel, uint32_t index, int side) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = handle_of(index) | static_cast<uint64_t>(side);
  epoll_ctl(epoll_, EPOLL_CTL_MOD, tunnel.fd[side], &event);
}

/** `side` takes nothing any more. What it sent before still goes to the other, as far as it can be read. `error` is what the system
 *  says of it: EPIPE where its FIN came before the reset. Reading can't tell that: with the error taken, either looks like an end. */
void Loop::break_side(Tunnel& tunnel, int side, int error) {
  if (!tunnel.broken[side]) tunnel.ended_whole[side] = error == EPIPE;
  tunnel.broken[side] = true;
  tunnel.readable[side] = true;
  if (tunnel.by < 0) tunnel.by = static_cast<int8_t>(side);
  Direction& way = tunnel.way[1 - side];
  way.ended = way.passed = true;
  pipes_.give_back(way.pipe, way.in_pipe > 0);
  way.in_pipe = 0;
  way.left.reset();
}

}  // namespace relay
