#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace relay {
namespace {

/** An interface's index, by its name or its number; 0 where there is none. */
uint32_t scope_of(const char* text) {
  const unsigned index = if_nametoindex(text);
  return index != 0 ? index : static_cast<uint32_t>(strtoul(text, nullptr, 10));
}

Address address_by(int (*ask)(int, sockaddr*, socklen_t*), int fd) {
  Address address;
  socklen_t length = sizeof address;
  // Longer than there is room for is a Unix socket's.
  if (ask(fd, &address.any, &length) != 0) return {};
  if (address.is_set()) return address;
  errno = EAFNOSUPPORT;
  return {};
}

}  // namespace

bool parse_address(const char* text, uint16_t port, Address& into) {
  into = {};
  if (inet_pton(AF_INET, text, &into.v4.sin_addr) == 1) {
    into.v4.sin_family = AF_INET;
    into.v4.sin_port = htons(port);
    return true;
  }
  const char* scope = strchr(text, '%');
  const std::string plain = scope == nullptr ? text : std::string(text, scope);
  if (inet_pton(AF_INET6, plain.c_str(), &into.v6.sin6_addr) != 1) return false;
  into.v6.sin6_family = AF_INET6;
  into.v6.sin6_port = htons(port);
  if (scope != nullptr) into.v6.sin6_scope_id = scope_of(scope + 1);
  return scope == nullptr || into.v6.sin6_scope_id != 0;
}

std::string text_of(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  if (address.family() == AF_INET) return inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
  if (address.family() != AF_INET6) return {};
  std::string result = inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
  char scope[IF_NAMESIZE];
  if (IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr) && if_indextoname(address.v6.sin6_scope_id, scope) != nullptr)
    result.append("%").append(scope);
  return result;
}

Address own_address(int fd) { return address_by(getsockname, fd); }

Address peer_address(int fd) { return address_by(getpeername, fd); }

}  // namespace relay
