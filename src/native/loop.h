// One relay thread and its tunnels: handed over in handover.cpp, driven in loop.cpp, their octets moved in pump.cpp, buried in
// burial.cpp.
//
// Safe by construction:
//  * epoll carries handles (generation, thread, slot, side), never pointers; slots lie in chunks that are never freed.
//  * Only the thread touches a tunnel that lives. Others fill a free slot, publish it, and from then on only ask.
//  * A tunnel that ends is only marked. Its descriptors are closed and its generation is raised behind the whole batch of
//    events, so that neither a descriptor's number nor a slot is used again under an event that is still waiting.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "relay-core.h"
#include "tunnel.h"
#include "wheel.h"

namespace relay {

class Loop {
 public:
  static constexpr uint32_t kChunk = 1024;
  static constexpr uint32_t kChunks = 1024;
  /** What a direction may move when an event comes: enough for whoever has little to say. Who has more queues for a turn. */
  static constexpr int64_t kGlanceBytes = 256 * 1024;

  /** Throws std::system_error where the system gives it no descriptors or no thread. */
  Loop(uint32_t number, PipeCount& pipes);
  /** Cuts what is left. */
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uint64_t adopt(const Adoption& adoption);
  void cut(uint64_t handle);
  void renew(uint64_t handle, int64_t octets, bool scarce);
  bool counts(uint64_t handle, uint64_t octets[2]) const;
  uint32_t live() const { return live_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    /** The generation of the tunnel that lives here; 0 where none does. */
    std::atomic<uint32_t> lives{0};
    std::atomic<uint64_t> octets[2] = {{0}, {0}};
    /** Whether whoever handed the tunnel over is done with it: until then its descriptors must not be closed. */
    std::atomic<bool> entered{false};
    uint32_t generation = 1;
    Tunnel tunnel;
  };
  struct Command {
    enum class Verb : uint8_t { join, cut, renew } verb;
    uint64_t handle;
    int64_t octets;
    bool scarce;
  };

  // Any thread.
  bool reserve(uint32_t& index);
  void fill(Slot& slot, const Adoption& adoption, const int fds[2]);
  void publish(Slot& slot, uint64_t handle);
  void command(const Command& command);
  void wake() const;
  Slot* slot_at(uint32_t index) const {
    Slot* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[index % kChunk];
  }

  [[noreturn]] void give_up(int error);

  // The relay thread.
  void run();
  void on_event(uint64_t data, uint32_t events);
  void give_turn();
  void obey();
  void obey(const Command& command, Tunnel& tunnel, uint32_t index);
  void look_at_timers();
  void post(Mailbox* owner, const Record& record);
  void ring();
  void cut_all();
  void reap();
  void bury(uint32_t index);
  int wait_ms();
  Tunnel* find(uint64_t handle, uint32_t& index) const;
  uint64_t handle_of(uint32_t index) const;
  void set_timer(Tunnel& tunnel, uint32_t index);
  void pump_both(Tunnel& tunnel, uint32_t index, int side, int64_t most);
  void pump(Tunnel& tunnel, uint32_t index, int side, int64_t most);
  bool deliver(Tunnel& tunnel, uint32_t index, int side);
  void take_in(Tunnel& tunnel, uint32_t index, int side, size_t room);
  void copy(Tunnel& tunnel, uint32_t index, int side, size_t room);
  void took(Tunnel& tunnel, uint32_t index, int side, size_t octets);
  void out_of_budget(Tunnel& tunnel, uint32_t index);
  void nothing_read(Tunnel& tunnel, uint32_t index, int side, bool end);
  void not_written(Tunnel& tunnel, uint32_t index, int side);
  void watch_room(const Tunnel& tunnel, uint32_t index, int side);
  void break_side(Tunnel& tunnel, int side, int error);
  void finish(Tunnel& tunnel, uint32_t index, Kind kind);
  Record record_of(const Slot& slot, uint32_t index) const;

  const uint32_t number_;
  int epoll_;
  int wake_;
  std::atomic<Slot*> chunks_[kChunks] = {};
  std::atomic<uint32_t> live_{0};
  std::atomic<bool> inbox_waits_{false};
  /** Whether something in it is about a tunnel that runs, so that no turn may last. */
  std::atomic<bool> order_waits_{false};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  // Under the mutex.
  uint32_t used_ = 0;
  std::vector<uint32_t> free_;
  std::vector<Command> inbox_;
  bool sleeps_long_ = false;

  // The relay thread's own.
  Wheel wheel_;
  Pipes pipes_;
  std::vector<Command> orders_;
  std::vector<uint32_t> over_;
  std::vector<uint32_t> buried_;
  /** Mailboxes with records that nobody was notified of. */
  std::vector<Mailbox*> unrung_;
  int64_t rung_at_ms_ = 0;
  std::vector<uint32_t> due_;
  /** Tunnels that wait for their turn. */
  std::deque<uint64_t> again_;
  int64_t now_ms_ = 0;
  char buffer_[64 * 1024];

  std::thread thread_;
};

}  // namespace relay
