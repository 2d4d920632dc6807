// How tunnels end: marked at once, buried behind the batch of events, and told to whoever handed them over.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "handle.h"
#include "loop.h"
#include "waiting.h"

namespace relay {

void Loop::finish(Tunnel& tunnel, uint32_t index, Kind kind) {
  if (tunnel.state == State::over) return;
  tunnel.state = State::over;
  tunnel.kind = kind;
  over_.push_back(index);
}

void Loop::cut_all() {
  std::lock_guard<std::mutex> guard(mutex_);
  for (uint32_t index = 0; index < used_; index++) {
    Slot* slot = slot_at(index);
    if (slot->lives.load() != 0 && slot->tunnel.state == State::running) finish(slot->tunnel, index, Kind::cut);
  }
}

void Loop::reap() {
  if (over_.empty()) return;
  buried_.clear();
  const auto entered = [this](uint32_t index) { return slot_at(index)->entered.load(std::memory_order_acquire); };
  for (const uint32_t index : over_) {
    if (!entered(index)) continue;
    bury(index);
    buried_.push_back(index);
  }
  // One that is not entered yet ended within a moment of its hand-over; it has its turn in the next round.
  if (buried_.size() == over_.size()) {
    over_.clear();
  } else {
    over_.erase(std::remove_if(over_.begin(), over_.end(), [this](uint32_t index) { return slot_at(index)->lives.load() == 0; }),
                over_.end());
  }
  if (buried_.empty()) return;
  std::lock_guard<std::mutex> guard(mutex_);
  free_.insert(free_.end(), buried_.begin(), buried_.end());
}

void Loop::bury(uint32_t index) {
  Slot& slot = *slot_at(index);
  Tunnel& tunnel = slot.tunnel;
  Record record = record_of(slot, index);
  if (tunnel.beginning != nullptr) record.beginning.swap(*tunnel.beginning);
  tunnel.beginning.reset();
  if (tunnel.kind != Kind::closed) record.unread = unread_of(tunnel.fd[1]);
  for (int side = 0; side < 2; side++) {
    // Towards a side that was sent its FIN, or is reset already, nothing is left to cut.
    if (tunnel.kind != Kind::closed && !tunnel.way[1 - side].passed) {
      const linger none{1, 0};
      setsockopt(tunnel.fd[side], SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    close(tunnel.fd[side]);
    pipes_.give_back(tunnel.way[side].pipe, tunnel.way[side].in_pipe > 0);
    tunnel.way[side].left.reset();
  }
  wheel_.clear(index);
  slot.lives.store(0, std::memory_order_release);
  slot.generation = slot.generation + 1 == kGenerations ? 1 : slot.generation + 1;
  live_.fetch_sub(1, std::memory_order_relaxed);
  post(tunnel.owner, record);
}

void Loop::post(Mailbox* owner, const Record& record) {
  if (owner == nullptr) return;
  owner->post(record);
  if (std::find(unrung_.begin(), unrung_.end(), owner) == unrung_.end()) unrung_.push_back(owner);
}

void Loop::ring() {
  if (unrung_.empty()) return;
  for (Mailbox* mailbox : unrung_) mailbox->ring();
  unrung_.clear();
  rung_at_ms_ = now_ms_;
}

Record Loop::record_of(const Slot& slot, uint32_t index) const {
  const Tunnel& tunnel = slot.tunnel;
  Record record;
  record.handle = handle_of(index);
  record.place = tunnel.place;
  record.tag = tunnel.tag;
  record.kind = tunnel.kind;
  record.by = tunnel.kind == Kind::reset ? tunnel.by : static_cast<int8_t>(-1);
  record.ended_first = tunnel.ended_first;
  for (int side = 0; side < 2; side++) {
    record.octets[side] = slot.octets[side].load(std::memory_order_relaxed);
    record.first[side] = tunnel.way[side].first;
  }
  return record;
}

}  // namespace relay
