#include "wheel.h"

#include <algorithm>

namespace relay {

void Wheel::set(uint32_t slot, int64_t due_ms) {
  clear(slot);
  if (slot >= nodes_.size()) nodes_.resize(slot + 1);
  nodes_[slot].due_ms = due_ms;
  // Never into the bucket that is being looked at or one behind it: it would wait a whole round.
  const int64_t tick = std::max(due_ms / kTickMs, tick_) + 1;
  // What is due later than in one round waits in the bucket furthest away, and is looked at again there.
  link(slot, static_cast<uint32_t>(std::min(tick, tick_ + kBuckets - 1) % kBuckets));
}

void Wheel::clear(uint32_t slot) {
  if (slot >= nodes_.size()) return;
  Node& node = nodes_[slot];
  if (node.bucket == kNone) return;
  if (node.previous != kNone) {
    nodes_[node.previous].next = node.next;
  } else {
    heads_[node.bucket] = node.next;
  }
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
  if (heads_[node.bucket] == kNone) taken_[node.bucket / 64] &= ~(1ull << (node.bucket % 64));
  node = Node();
}

void Wheel::advance(int64_t now_ms, std::vector<uint32_t>& due) {
  const int64_t now_tick = now_ms / kTickMs;
  // After a long sleep one round sees every bucket.
  tick_ = std::max(tick_, now_tick - kBuckets);
  while (tick_ < now_tick) {
    tick_++;
    const auto bucket = static_cast<uint32_t>(tick_ % kBuckets);
    for (uint32_t slot = heads_[bucket]; slot != kNone;) {
      const uint32_t next = nodes_[slot].next;
      const int64_t due_ms = nodes_[slot].due_ms;
      clear(slot);
      if (due_ms <= now_ms) {
        due.push_back(slot);
      } else {
        set(slot, due_ms);
      }
      slot = next;
    }
  }
}

int64_t Wheel::wait_ms(int64_t now_ms) const {
  for (uint32_t step = 1; step <= kBuckets;) {
    const auto bucket = static_cast<uint32_t>((tick_ + step) % kBuckets);
    const uint64_t word = taken_[bucket / 64] >> (bucket % 64);
    if (word & 1) return std::max<int64_t>(0, (tick_ + step) * kTickMs - now_ms);
    // On to the next bucket that is taken in this word, or to the next word.
    step += word == 0 ? 64 - bucket % 64 : static_cast<uint32_t>(__builtin_ctzll(word));
  }
  return -1;
}

void Wheel::link(uint32_t slot, uint32_t bucket) {
  Node& node = nodes_[slot];
  node.bucket = bucket;
  node.next = heads_[bucket];
  if (node.next != kNone) nodes_[node.next].previous = slot;
  heads_[bucket] = slot;
  taken_[bucket / 64] |= 1ull << (bucket % 64);
}

}  // namespace relay
