// Pipes for splice(2). A tunnel borrows one only while octets are in flight.
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace relay {

struct Pipe {
  int out = -1;
  int in = -1;
  bool open() const { return out >= 0; }
};

/** How many there are, for all threads together. */
struct PipeCount {
  explicit PipeCount(uint32_t most_pipes) : most(most_pipes) {}
  const uint32_t most;
  std::atomic<uint32_t> now{0};
  std::atomic<uint32_t> peak{0};
};

/** The pipes of one relay thread. */
class Pipes {
 public:
  explicit Pipes(PipeCount& count) : count_(count) {}
  ~Pipes();
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  /** False where there are as many as may be, or the system has no descriptor left. */
  bool borrow(Pipe& pipe);
  /** Takes back an empty pipe for the next; one with octets in it (`held`) is closed. */
  void give_back(Pipe& pipe, bool held);
  void close_idle();

 private:
  void close_pipe(Pipe& pipe);

  PipeCount& count_;
  std::vector<Pipe> idle_;
};

}  // namespace relay
