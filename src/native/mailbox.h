// Where the records of tunnels wait for the JavaScript thread that handed them over.
#pragma once
#include <cstddef>
#include <deque>
#include <mutex>

#include "record.h"

namespace relay {

/** Filled by relay threads, emptied by its owner. Never freed: a relay thread may hold it longer than its owner lives. */
class Mailbox {
 public:
  using Notify = void (*)(void*);

  /** `notify` is called by ring(), and where take() leaves something. */
  Mailbox(Notify notify, void* argument) : notify_(notify), argument_(argument) {}

  void post(const Record& record);
  /** Notifies the owner, if records wait. Apart from post(), so that one notice serves many records. */
  void ring();
  /** Takes up to `most` records, the oldest first. What is left announces itself again. */
  size_t take(Record* records, size_t most);
  /** No notice is given from here on. Whatever waits and whatever comes goes to `heir`; without one it waits here. */
  void close(Mailbox* heir);

 private:
  std::mutex mutex_;
  std::deque<Record> waiting_;
  Notify notify_;
  void* argument_;
  Mailbox* heir_ = nullptr;
};

}  // namespace relay
