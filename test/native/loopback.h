// What the drivers of the native code stand on: connections over loopback, and a count of descriptors.
#pragma once
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

/** Open descriptors of this process. */
inline int descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) count++;
  closedir(folder);
  return count;
}

/** Pairs of connected sockets. Many addresses, because closed pairs leave their ports in TIME_WAIT. */
class Wires {
 public:
  Wires() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0x7f000001, 0);
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = INADDR_ANY;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 64) != 0) std::abort();
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = address.sin_port;
  }
  ~Wires() { close(listener_); }

  void connect_pair(int& peer, int& end) {
    const uint32_t host = 0x7f010101 + (made_++ / 2000) % 4000;
    sockaddr_in address = loopback(host, port_);
    peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    end = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (end < 0) std::abort();
    fcntl(peer, F_SETFL, O_NONBLOCK);
    const int on = 1;
    for (const int fd : {peer, end}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

 private:
  static sockaddr_in loopback(uint32_t host, uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    address.sin_port = port;
    return address;
  }

  int listener_;
  uint16_t port_ = 0;
  uint32_t made_ = 0;
};
