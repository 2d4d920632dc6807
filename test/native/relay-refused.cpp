// A system that gives the relay nothing: a core is refused, and leaves no descriptor and no thread behind. The calls that the core makes
// come through here.
//
//   relay-refused         exit code 0 where that is so
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "relay-core.h"

namespace {

/** How many calls are granted before one is refused. */
int granted = 0;

int refusing(long number, long first, long second) {
  if (granted-- > 0) return static_cast<int>(syscall(number, first, second));
  errno = EMFILE;
  return -1;
}

int next_descriptor() {
  const int fd = dup(0);
  close(fd);
  return fd;
}

bool is_refused(int after) {
  granted = after;
  try {
    relay::Core core({2, 0});
    return false;
  } catch (const std::system_error& error) {
    return error.code().value() == EMFILE;
  }
}

}  // namespace

extern "C" int epoll_create1(int flags) noexcept { return refusing(SYS_epoll_create1, flags, 0); }
extern "C" int eventfd(unsigned int count, int flags) noexcept { return refusing(SYS_eventfd2, static_cast<long>(count), flags); }

int main() {
  const int before = next_descriptor();
  // Of two threads with two calls each.
  for (int after = 0; after < 4; after++) {
    if (!is_refused(after)) {
      std::fprintf(stderr, "fault: a core stands with %d of its calls granted\n", after);
      return 1;
    }
    if (next_descriptor() != before) {
      std::fprintf(stderr, "fault: descriptors are left with %d of its calls granted\n", after);
      return 1;
    }
  }
  return is_refused(4) ? 1 : 0;
}
