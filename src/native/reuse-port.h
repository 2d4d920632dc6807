// Which of the sockets that listen at one address new connections go to.
#pragma once

namespace relay {

/** The system spreads new connections over the first so many of the sockets that listen at the address of this one (SO_REUSEPORT), as
 *  it numbers them: in the order in which they began to, but that the last one takes the number of one that closes. With 0 over all.
 *  Returns 0, or a negative errno where the system can't. Where there are not so many it chooses among all. */
int spread_over_first(int fd, unsigned count);

}  // namespace relay
