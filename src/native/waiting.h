// What a connection brought and nobody has read: how much, how long ago, and how much it may be.
#pragma once
#include <cstdint>

namespace relay {

/** How many ms ago the last octets of a TCP connection came, whether or not anyone has read them; -1 where the system doesn't tell. */
int64_t waited_ms(int fd);

/** Octets that it has brought and nobody has read; 0 where the system doesn't tell. */
uint64_t unread_of(int fd);

/** Lets the system hold no more than about so many of them. */
void bound_unread(int fd, int octets);

}  // namespace relay
