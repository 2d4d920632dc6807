// Plain TCP sockets of one thread behind one epoll. No Node in here, and one thread only.
//
// Safe by construction:
//  * epoll carries handles (sequence, descriptor), never pointers. A handle names one socket and never another, as long as the thread
//    doesn't open 2^33 of them.
//  * While the events of a batch are looked at, no descriptor is closed: its number isn't used again under an event that still waits.
//  * Sockets are edge-triggered and entered once. Listeners are level-triggered, because one accepts only so many at a time.
#pragma once
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "address.h"

namespace relay {

/** Bits of an event; see transport/poller-binding.ts. */
enum PollBit : uint32_t { kReadable = 1, kWritable = 2, kHungUp = 4, kAccepted = 8, kConnected = 16, kFailed = 32 };

/** Doubles of one event. */
constexpr size_t kEventFields = 3;

/** All that returns an int64_t returns a negative errno where it fails; -EBADF where the handle names no socket that is open here. */
class Poller {
 public:
  Poller();
  /** Closes everything. */
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /** Readable while events wait; negative where the system gave none. */
  int epoll() const { return epoll_; }
  /** Listeners and sockets that are open. */
  size_t size() const { return size_; }

  /** Binds and listens. Returns a handle. */
  int64_t listen(const Address& at, bool reuse_port, int backlog);
  /** Takes a connection that waits at a listener, beside those that events tell of. Returns a handle; -EAGAIN where none waits. */
  int64_t accept(uint64_t listener);
  /** Begins to connect, from an address where it is set. Returns a handle; kConnected or kFailed follows. */
  int64_t connect(const Address& to, const Address& from);
  /** Takes over a descriptor that is or was connected, and which stays the caller's where this fails. Returns a handle. */
  int64_t attach(int fd);
  /** Octets read; 0 for the FIN. */
  int64_t read(uint64_t handle, char* into, size_t most);
  /** Octets taken. */
  int64_t write(uint64_t handle, const char* octets, size_t length);
  int64_t shut_down(uint64_t handle);
  void close(uint64_t handle, bool reset);
  /** Forgets the socket and returns its descriptor, which is the caller's from now on. */
  int64_t release(uint64_t handle);
  int64_t descriptor(uint64_t handle);
  /** First probe after so many seconds of silence; 0 for none. What is set on a listener holds for what it accepts. */
  int64_t keep_alive(uint64_t handle, int seconds);
  /** `local address, local port, remote address, remote port` with blanks between; a listener's remote ones are empty, and all is
   *  where the handle names nothing. */
  std::string ends(uint64_t handle) const;
  std::string peer(uint64_t handle) const;

  /** Writes events that wait, three doubles each: handle, bits, and the third that the bits tell of (accepted handle, or errno).
   *  Returns how many, `most` or fewer; at least 2 must fit. From here to settle() descriptors stay open that are closed. */
  size_t collect(double* fields, size_t most);
  void settle();

 private:
  enum class Kind : uint8_t { listener, connecting, connected };
  struct Entry {
    /** 0 where none is open under this number. */
    uint64_t sequence = 0;
    Address peer;
    Kind kind = Kind::connected;
    /** Somebody else knows the descriptor, and may have duplicated it: then a close doesn't take it out of the epoll. */
    bool exposed = false;
    /** A listener that waits for the next connection, since it can't accept those that are there. */
    bool calmed = false;
  };
  struct Batch;

  int64_t enter(int fd, Kind kind, const Address& peer);
  Entry* find(uint64_t handle);
  const Entry* find(uint64_t handle) const;
  void forget(int fd);
  void note(uint64_t handle, uint32_t events, Batch& batch);
  bool accept_some(uint64_t listener, Batch& batch, size_t& spare);
  int64_t accept_one(int listener);
  bool turn_away(int listener);
  void calm(uint64_t listener, bool on);

  static constexpr size_t kLook = 256;

  int epoll_;
  /** Given up to accept a connection, and close it, when there are no more descriptors. */
  int reserve_;
  bool collecting_ = false;
  size_t size_ = 0;
  uint64_t last_sequence_ = 0;
  std::vector<Entry> entries_;
  std::vector<int> to_close_;
  epoll_event ready_[kLook];
};

}  // namespace relay
