#include "parking.h"

#include <fcntl.h>
#include <unistd.h>

namespace relay {

uint64_t Parking::park(int fd, uint32_t by, uint32_t to) {
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (duplicate < 0) return 0;
  std::lock_guard<std::mutex> guard(mutex_);
  parked_.emplace(++last_, Parked{duplicate, by, to, false});
  return last_;
}

int Parking::claim(uint64_t ticket) {
  std::lock_guard<std::mutex> guard(mutex_);
  const auto found = parked_.find(ticket);
  if (found == parked_.end()) return -1;
  const int fd = found->second.fd;
  parked_.erase(found);
  return fd;
}

bool Parking::drop(uint64_t ticket) {
  const int fd = claim(ticket);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

void Parking::heard(uint64_t ticket) {
  std::lock_guard<std::mutex> guard(mutex_);
  const auto found = parked_.find(ticket);
  if (found != parked_.end()) found->second.heard = true;
}

std::vector<uint32_t> Parking::bury(uint32_t by) {
  std::lock_guard<std::mutex> guard(mutex_);
  std::vector<uint32_t> targets;
  for (auto at = parked_.begin(); at != parked_.end();) {
    const Parked& parked = at->second;
    if (parked.heard || parked.by != by) {
      ++at;
      continue;
    }
    close(parked.fd);
    targets.push_back(parked.to);
    at = parked_.erase(at);
  }
  return targets;
}

}  // namespace relay
