// Addresses of TCP sockets, as text and as the system has them. No names: nothing is looked up.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace relay {

struct Address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  /** Of no family. */
  Address() : v6{} {}
  int family() const { return any.sa_family; }
  bool is_set() const { return family() == AF_INET || family() == AF_INET6; }
  socklen_t length() const { return family() == AF_INET6 ? sizeof v6 : sizeof v4; }
  uint16_t port() const { return ntohs(family() == AF_INET6 ? v6.sin6_port : v4.sin_port); }
};

/** An IPv4 or IPv6 address, the latter perhaps with a scope (`fe80::1%eth0`). False where the text is neither. */
bool parse_address(const char* text, uint16_t port, Address& into);

/** As Node prints it: a link-local one with its scope, an IPv4 address of a dual-stack socket as `::ffff:…`. Empty where there is none. */
std::string text_of(const Address& address);

/** The socket's own address, and its peer's; of no family, and errno says why, where there is none. */
Address own_address(int fd);
Address peer_address(int fd);

}  // namespace relay
