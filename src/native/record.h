// What a tunnel tells of itself. Layout and meaning are the same in transport/relay-binding.ts.
#pragma once
#include <cstdint>
#include <string>

namespace relay {

/** How a tunnel ended, or that its allowance is used up while it lives. */
enum class Kind : uint8_t { closed = 0, reset = 1, idle = 2, cut = 3, spent = 4 };

/** The first octets that one side sent. */
struct FirstOctets {
  /** Milliseconds after the hand-over; negative while nothing has come. */
  double after_ms = -1;
  /** Content type and length of a TLS record header (RFC 8446 §5.1); negative where they begin no such record. */
  int32_t record_type = -1;
  int32_t record_length = -1;
};

struct Record {
  uint64_t handle = 0;
  /** Whatever the owner gave at the hand-over: one number for itself, one for whoever inherits from it. */
  double place = 0;
  double tag = 0;
  Kind kind = Kind::closed;
  /** The side that was reset: 0, 1, or -1 where it was neither. */
  int8_t by = -1;
  /** The side whose FIN came first, or -1. */
  int8_t ended_first = -1;
  /** Octets taken from each side. */
  uint64_t octets[2] = {0, 0};
  /** Octets of side 1 that this system has acknowledged and nobody has taken, at the end: whoever sent them has counted them. */
  uint64_t unread = 0;
  FirstOctets first[2];
  /** What side 0 sent first, where that was asked for. */
  std::string beginning;
};

}  // namespace relay
