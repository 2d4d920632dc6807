#include "relay-core.h"

#include <algorithm>

#include "handle.h"
#include "loop.h"

namespace relay {

Core::Core(const Options& options) : pipes_(options.pipes) {
  const uint32_t threads = std::clamp(options.threads, 1u, 1u << kThreadBits);
  for (uint32_t number = 0; number < threads; number++) loops_.push_back(std::make_unique<Loop>(number, pipes_));
}

Core::~Core() = default;

uint64_t Core::adopt(const Adoption& adoption) {
  return loops_[next_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]->adopt(adoption);
}

void Core::cut(uint64_t handle) {
  if (Loop* loop = loop_of(handle)) loop->cut(handle);
}

void Core::renew(uint64_t handle, int64_t octets, bool scarce) {
  if (Loop* loop = loop_of(handle)) loop->renew(handle, octets, scarce);
}

bool Core::counts(uint64_t handle, uint64_t octets[2]) const {
  const Loop* loop = loop_of(handle);
  return loop != nullptr && loop->counts(handle, octets);
}

Stats Core::stats() const {
  uint32_t live = 0;
  for (const auto& loop : loops_) live += loop->live();
  const uint32_t pipes = pipes_.now.load();
  const auto threads = static_cast<uint32_t>(loops_.size());
  return {live, pipes, pipes_.peak.load(), 2 * (live + pipes + threads)};
}

Loop* Core::loop_of(uint64_t handle) const {
  const uint32_t thread = thread_of(handle);
  return thread < loops_.size() ? loops_[thread].get() : nullptr;
}

}  // namespace relay
