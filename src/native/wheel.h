// Timers of one relay thread: one per slot, set and taken off in constant time, late by two ticks at most.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace relay {

class Wheel {
 public:
  static constexpr int64_t kTickMs = 16;

  explicit Wheel(int64_t now_ms) : tick_(now_ms / kTickMs) { heads_.fill(kNone); }

  /** Sets the timer of `slot` to `due_ms`, in place of any set before. */
  void set(uint32_t slot, int64_t due_ms);
  void clear(uint32_t slot);
  /** Adds every slot whose time has come to `due`; their timers are off. */
  void advance(int64_t now_ms, std::vector<uint32_t>& due);
  /** Milliseconds until the next look is worth it, at most a round; -1 where no timer is set. */
  int64_t wait_ms(int64_t now_ms) const;

 private:
  static constexpr uint32_t kBuckets = 1024;
  static constexpr uint32_t kNone = ~0u;

  struct Node {
    uint32_t next = kNone;
    uint32_t previous = kNone;
    uint32_t bucket = kNone;
    int64_t due_ms = 0;
  };

  void link(uint32_t slot, uint32_t bucket);

  std::vector<Node> nodes_;
  std::array<uint32_t, kBuckets> heads_{};
  /** A bit for each bucket that isn't empty. */
  std::array<uint64_t, kBuckets / 64> taken_{};
  /** The tick that advance() has come to. */
  int64_t tick_;
};

}  // namespace relay
