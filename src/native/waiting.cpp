#include "waiting.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace relay {

int64_t waited_ms(int fd) {
  tcp_info told{};
  socklen_t length = sizeof told;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &told, &length) != 0) return -1;
  // A kernel that is older tells less.
  if (length < offsetof(tcp_info, tcpi_last_data_recv) + sizeof told.tcpi_last_data_recv) return -1;
  return told.tcpi_last_data_recv;
}

uint64_t unread_of(int fd) {
  int octets = 0;
  return ioctl(fd, FIONREAD, &octets) == 0 && octets > 0 ? static_cast<uint64_t>(octets) : 0;
}

void bound_unread(int fd, int octets) { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets); }

}  // namespace relay
