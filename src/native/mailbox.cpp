#include "mailbox.h"

#include <algorithm>

namespace relay {

void Mailbox::post(const Record& record) {
  Mailbox* heir = nullptr;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    heir = heir_;
    if (heir == nullptr) {
      waiting_.push_back(record);
    }
  }
  if (heir != nullptr) heir->post(record);
}

void Mailbox::ring() {
  Mailbox* heir = nullptr;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    heir = heir_;
    // Under the lock, so that nobody is notified once close() has returned.
    if (heir == nullptr && !waiting_.empty() && notify_ != nullptr) notify_(argument_);
  }
  if (heir != nullptr) heir->ring();
}

size_t Mailbox::take(Record* records, size_t most) {
  std::lock_guard<std::mutex> guard(mutex_);
  const size_t count = std::min(most, waiting_.size());
  std::copy_n(waiting_.begin(), count, records);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!waiting_.empty() && notify_ != nullptr) notify_(argument_);
  return count;
}

void Mailbox::close(Mailbox* heir) {
  std::deque<Record> left;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    notify_ = nullptr;
    argument_ = nullptr;
    if (heir == nullptr || heir == this) return;
    heir_ = heir;
    left.swap(waiting_);
  }
  for (const Record& record : left) heir->post(record);
  heir->ring();
}

}  // namespace relay
