// How long what a connection brought has waited for us.
#pragma once
#include <cstdint>

namespace relay {

/** How many ms ago the last octets of a TCP connection came, whether or not anyone has read them; -1 where the system doesn't tell. */
int64_t waited_ms(int fd);

}  // namespace relay
