// Descriptors on their way from one thread of JavaScript to another, which may end before they arrive.
#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace relay {

/** Whoever claims a ticket has its descriptor, and nobody else; until then it can be dropped. Tickets are never given twice. */
class Parking {
 public:
  /** Duplicates the descriptor. Returns a ticket below 2^53, or 0 with errno set. */
  uint64_t park(int fd);
  /** The descriptor, which is the caller's from now on; -1 where there is none under this ticket. */
  int claim(uint64_t ticket);
  /** Closes the descriptor. False where there is none under this ticket. */
  bool drop(uint64_t ticket);
  /** Closes what was parked before the last call: of threads that ended before anybody heard of their tickets. Returns how many. */
  size_t sweep();

 private:
  std::mutex mutex_;
  std::unordered_map<uint64_t, int> parked_;
  uint64_t last_ = 0;
  /** The last ticket when it was swept. */
  uint64_t swept_ = 0;
};

}  // namespace relay
