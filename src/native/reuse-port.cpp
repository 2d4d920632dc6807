#include "reuse-port.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <cerrno>

namespace relay {
namespace {

// SO_ATTACH_REUSEPORT_CBPF, which some headers don't have.
constexpr int kAttachProgram = 51;

/** A number that no socket has: then the system chooses as if there were no program. */
constexpr unsigned kNone = 0xffffffff;

int attach(int fd, sock_filter* steps, unsigned short count) {
  const sock_fprog program = {count, steps};
  return setsockopt(fd, SOL_SOCKET, kAttachProgram, &program, sizeof program) == 0 ? 0 : -errno;
}

}  // namespace

int spread_over_first(int fd, unsigned count) {
  if (count < 2) {
    sock_filter step[] = {BPF_STMT(BPF_RET | BPF_K, count == 1 ? 0 : kNone)};
    return attach(fd, step, 1);
  }
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_RANDOM)),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  return attach(fd, steps, 3);
}

}  // namespace relay
