// One tunnel: two connected sockets and what is on its way between them. No thread, no epoll in here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "mailbox.h"
#include "pipes.h"
#include "record.h"

namespace relay {

/** Octets that somebody else owns. */
struct Span {
  const char* octets = nullptr;
  size_t length = 0;
};

/** Octets taken that the receiver had no room for, from `sent` on: some are left. */
struct Leftover {
  std::string octets;
  size_t sent = 0;
};

/** The way from one side to the other. */
struct Direction {
  /** Held only while octets are in it. */
  Pipe pipe;
  size_t in_pipe = 0;
  /** Null in nearly all tunnels that there are, most of which are idle. */
  std::unique_ptr<Leftover> left;
  /** The sender's FIN has come; it has been passed on, or the receiver is gone. */
  bool ended = false;
  bool passed = false;
  /** So much comes that a pipe pays. */
  bool bulk = false;
  FirstOctets first;
};

/** Octets that may still pass, both ways together. */
struct Budget {
  /** Octets left until renewed; negative for no such limit. */
  int64_t allowance = -1;
  /** Whether the owner knows that the allowance is used up. */
  bool told = false;
  /** Octets per second; 0 for no such limit. */
  double pace = 0;
  /** Octets that the pace allows now; negative where more was taken. */
  double saved = 0;
  int64_t saved_at_ms = 0;

  bool limited() const { return allowance >= 0 || pace > 0; }
  /** Octets that may be taken now. */
  size_t room(int64_t now_ms);
  void take(size_t octets);
};

enum class State : uint8_t { running, over };

struct Tunnel {
  int fd[2] = {-1, -1};
  bool readable[2] = {false, false};
  bool writable[2] = {true, true};
  /** An end is known to be behind what can be read, or an urgent octet in it: a short read doesn't mean that there is nothing more. */
  bool hung_up[2] = {false, false};
  /** Reset, or unfit to be written to. */
  bool broken[2] = {false, false};
  /** Of a side that is broken: its FIN came before that, so that what can be read of it is all that it had to say. */
  bool ended_whole[2] = {false, false};
  /** Whether epoll watches for room to write. */
  bool watches_room[2] = {false, false};
  bool queued_again = false;
  bool kept_alive = false;
  State state = State::running;
  Kind kind = Kind::closed;
  int8_t by = -1;
  int8_t ended_first = -1;
  /** Whether the first octets of side 0 are kept for the owner to look at, and those octets. */
  bool keeps_beginning = false;
  std::unique_ptr<std::string> beginning;
  Direction way[2];
  Budget budget;
  /** What is still to be asked of the system for the exit's socket: see Adoption. */
  int most_unread = 0;
  int64_t idle_ms = 0;
  int64_t active_ms = 0;
  double adopted_ms = 0;
  double place = 0;
  double tag = 0;
  Mailbox* owner = nullptr;
};

/** Milliseconds of the monotonic clock. */
double precise_now_ms();
/** The same to some milliseconds, at a tenth of the price. */
int64_t coarse_now_ms();

/** Notes the first octets of a direction, once. */
void note_first(Tunnel& tunnel, int side, Span octets);

/** Sends `first` and then `second`, as much as fits, and queues the rest. False where the socket is broken. */
bool send_or_queue(int fd, Direction& way, Span first, Span second);

}  // namespace relay
