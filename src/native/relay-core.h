// Moves octets between pairs of TCP sockets on threads of its own. No Node in here.
#pragma once
#include <memory>
#include <vector>

#include "mailbox.h"
#include "pipes.h"
#include "tunnel.h"

namespace relay {

class Loop;

struct Options {
  /** Relay threads, 1 to 16. */
  uint32_t threads = 1;
  /** Pipes at most, two descriptors each. Beyond them octets are copied. */
  uint32_t pipes = 256;
};

/** What is handed over. Side 0 is the client's. */
struct Adoption {
  /** Connected sockets that don't block. Those that aren't owned are duplicated; the caller may close its own at once, but never shut
   *  them down. */
  int fd[2] = {-1, -1};
  /** Whether the descriptor itself is handed over. It stays the caller's where the adoption fails. */
  bool owned[2] = {false, false};
  double place = 0;
  double tag = 0;
  Mailbox* owner = nullptr;
  /** Longest time without an octet moving either way. */
  int64_t idle_ms = 0;
  /** Octets per second, both ways together; 0 for no limit. */
  double pace = 0;
  /** Octets until the tunnel waits to be renewed; negative for no limit. */
  int64_t allowance = -1;
  /** Octets of the exit that the system may hold unread, from the first renewal on that is scarce; 0 for as many as it likes. */
  int most_unread = 0;
  /** Whether the owner wants to see the first octets of the client's, up to 4 KiB, with the record of the tunnel's end. */
  bool keeps_beginning = false;
  /** Our own words to the client, before anything else; not counted. */
  Span reply;
  /** Octets already read from a side, to go to the other first. */
  Span early[2];
};

struct Stats {
  uint32_t live;
  uint32_t pipes;
  uint32_t pipes_peak;
  uint32_t descriptors;
};

class Core {
 public:
  /** Throws std::system_error where the system gives it no descriptors or no threads. */
  explicit Core(const Options& options);
  /** Only for tests: a process leaks its core, and its end closes everything. */
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /** A handle below 2^53, or 0 with errno set, and then nothing was sent or changed. */
  uint64_t adopt(const Adoption& adoption);
  /** Resets both sides. Nothing happens where the tunnel has ended. */
  void cut(uint64_t handle);
  /** Lets `octets` more pass; with a negative number as many as come. `scarce`: see Adoption::most_unread. */
  void renew(uint64_t handle, int64_t octets, bool scarce = false);
  /** The octets taken from each side so far. False where the tunnel has ended. */
  bool counts(uint64_t handle, uint64_t octets[2]) const;
  Stats stats() const;

 private:
  Loop* loop_of(uint64_t handle) const;

  PipeCount pipes_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<uint32_t> next_{0};
};

}  // namespace relay
