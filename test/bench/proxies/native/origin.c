// What the exchanges of a benchmark ask for: `GET /bulk` is answered with octets without end, anything else with a page of 1 KiB on
// a kept connection. One thread, epoll. It answers the end of a connection by a reset, so that no proxy is left with ports in
// TIME_WAIT: after 14,000 exchanges there would be none free, for those that bind before they connect.
//
//   origin       listens at a free port of loopback, says {"port":N}, and ends with standard input
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>

#include "serve.h"

enum { BUFFER = 4096, CHUNK = 256 * 1024 };
struct peer { int fd; bool streams; size_t used; char buffer[BUFFER]; };

static char chunk[CHUNK];

static void end_peer(struct peer *peer) {
  close(peer->fd);
  free(peer);
}

static void watch(struct peer *peer, unsigned events, int how) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  if (epoll_ctl(epoll, how, peer->fd, &event)) fail("epoll_ctl");
}

static void accept_all(int listener) {
  int one = 1;
  struct linger reset = {1, 0};
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    struct peer *peer = malloc(sizeof *peer);
    if (!peer) fail("memory");
    peer->fd = fd, peer->streams = false, peer->used = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    watch(peer, EPOLLIN, EPOLL_CTL_ADD);
  }
}

/* Answers each request that is whole; false where the peer can't be answered. */
static bool answer(struct peer *peer) {
  static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  for (char *end; (end = strstr(peer->buffer, "\r\n\r\n"));) {
    peer->streams = !strncmp(peer->buffer, "GET /bulk", 9);
    const char *reply = peer->streams ? head : page;
    ssize_t size = (ssize_t)(peer->streams ? sizeof head - 1 : page_size);
    if (write(peer->fd, reply, (size_t)size) != size) return false;
    if (peer->streams) return watch(peer, EPOLLOUT, EPOLL_CTL_MOD), true;
    peer->used -= (size_t)(end + 4 - peer->buffer);
    memmove(peer->buffer, end + 4, peer->used + 1);
  }
  return peer->used < BUFFER - 1;
}

static void handle(void *of, unsigned events) {
  struct peer *peer = of;
  ssize_t count;
  if (peer->streams) {
    count = write(peer->fd, chunk, CHUNK);
    if ((events & (EPOLLERR | EPOLLHUP)) || (count < 0 && errno != EAGAIN)) end_peer(peer);
    return;
  }
  count = read(peer->fd, peer->buffer + peer->used, BUFFER - 1 - peer->used);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return end_peer(peer);
  peer->used += (size_t)count;
  peer->buffer[peer->used] = 0;
  if (!answer(peer)) end_peer(peer);
}

int main(void) {
  serve(accept_all, handle, NULL);
}
