// An urgent octet (RFC 6093) is none of the stream, and a read stops short of it: what is behind it has had its event by then, and goes
// through all the same.
//
//   relay-urgent        exit code 0 where all octets come through
#include <poll.h>

#include <cstdio>
#include <string>

#include "loopback.h"
#include "relay-core.h"

namespace {

constexpr int kMostRestMs = 20'000;

}  // namespace

int main() {
  relay::Core core({1, 4});
  relay::Adoption adoption;
  Wires wires;
  int peers[2];
  for (int side = 0; side < 2; side++) {
    wires.connect_pair(peers[side], adoption.fd[side]);
    adoption.owned[side] = true;
  }
  adoption.idle_ms = 60'000;
  // All of it is there before the relay is, and has but one event.
  if (send(peers[0], "before", 6, 0) != 6 || send(peers[0], "!", 1, MSG_OOB) != 1 || send(peers[0], "behind", 6, 0) != 6) return 1;
  if (core.adopt(adoption) == 0) return 1;
  std::string heard;
  char room[64];
  for (pollfd ready{peers[1], POLLIN, 0}; heard.size() < 12 && poll(&ready, 1, kMostRestMs) > 0;) {
    const ssize_t count = recv(peers[1], room, sizeof room, 0);
    if (count <= 0) break;
    heard.append(room, static_cast<size_t>(count));
  }
  std::printf("%s\n", heard.c_str());
  return heard == "beforebehind" ? 0 : 1;
}
