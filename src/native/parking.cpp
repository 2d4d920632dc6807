#include "parking.h"

#include <fcntl.h>
#include <unistd.h>

namespace relay {

uint64_t Parking::park(int fd) {
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (duplicate < 0) return 0;
  std::lock_guard<std::mutex> guard(mutex_);
  parked_.emplace(++last_, duplicate);
  return last_;
}

int Parking::claim(uint64_t ticket) {
  std::lock_guard<std::mutex> guard(mutex_);
  const auto found = parked_.find(ticket);
  if (found == parked_.end()) return -1;
  const int fd = found->second;
  parked_.erase(found);
  return fd;
}

bool Parking::drop(uint64_t ticket) {
  const int fd = claim(ticket);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

size_t Parking::sweep() {
  std::lock_guard<std::mutex> guard(mutex_);
  size_t closed = 0;
  for (auto at = parked_.begin(); at != parked_.end();) {
    if (at->first > swept_) {
      ++at;
      continue;
    }
    close(at->second);
    at = parked_.erase(at);
    closed++;
  }
  swept_ = last_;
  return closed;
}

}  // namespace relay
