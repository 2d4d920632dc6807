// Descriptors on their way from one thread of JavaScript to another, which may end before they arrive.
#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace relay {

/** Whoever claims a ticket has its descriptor, and nobody else; until then it can be dropped. Tickets are never given twice. */
class Parking {
 public:
  /** Duplicates the descriptor, on its way from thread `by` to thread `to`. Returns a ticket below 2^53, or 0 with errno set. */
  uint64_t park(int fd, uint32_t by, uint32_t to);
  /** The descriptor, which is the caller's from now on; -1 where there is none under this ticket. */
  int claim(uint64_t ticket);
  /** Closes the descriptor. False where there is none under this ticket. */
  bool drop(uint64_t ticket);
  /** Somebody has the ticket: the descriptor outlives the thread that parked it. */
  void heard(uint64_t ticket);
  /** Closes what a thread that has ended had parked and nobody has heard of. Returns to whom each was on its way. */
  std::vector<uint32_t> bury(uint32_t by);

 private:
  struct Parked {
    int fd;
    uint32_t by;
    uint32_t to;
    bool heard;
  };

  std::mutex mutex_;
  std::unordered_map<uint64_t, Parked> parked_;
  uint64_t last_ = 0;
};

}  // namespace relay
