// The least that a proxy can do: one thread, epoll and splice; no credentials are checked, nothing is logged, nothing is chosen.
// Speaks CONNECT and SOCKS5 to IPv4 addresses. As an exit it answers any other request by itself, with a page of 1 KiB, so that
// what a forwarded request costs at the far side is always the same and little.
//
//   floor        listens at a free port of loopback, says {"port":N}, and ends with standard input
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>

#include "serve.h"

enum { BUFFER = 4096, CHUNK = 256 * 1024, PIPES = 1024 };
enum stage { ASKED, METHOD, LOGIN, TARGET, DIALLING, JOINED, ANSWERING };

struct tunnel;
/* One of a tunnel's two connections, and the pipe for what was read from it. */
struct side { struct tunnel *tunnel; int fd, pipe[2]; size_t held; bool readable, writable, ended, shut; };
struct tunnel { struct side client, origin; enum stage stage; bool socks, dead; struct tunnel *next; size_t used; char *buffer; };

static int pipes[PIPES][2], pipe_count;
static struct tunnel *dead;

static bool lend_pipe(struct side *side) {
  if (side->pipe[0] >= 0) return true;
  if (pipe_count > 0) {
    memcpy(side->pipe, pipes[--pipe_count], sizeof side->pipe);
    return true;
  }
  if (pipe2(side->pipe, O_NONBLOCK | O_CLOEXEC)) return false;
  fcntl(side->pipe[0], F_SETPIPE_SZ, CHUNK);
  return true;
}

/* Only an empty pipe serves again. */
static void return_pipe(struct side *side) {
  if (side->pipe[0] < 0) return;
  if (side->held == 0 && pipe_count < PIPES) memcpy(pipes[pipe_count++], side->pipe, sizeof side->pipe);
  else close(side->pipe[0]), close(side->pipe[1]);
  side->pipe[0] = -1;
}

static void close_side(struct side *side, bool reset) {
  struct linger now = {1, 0};
  return_pipe(side);
  if (side->fd < 0) return;
  if (reset) setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(side->fd);
}

/* A connection that was reset resets the other. The memory goes once no event of this batch can name it. */
static void end_tunnel(struct tunnel *tunnel, bool reset) {
  if (tunnel->dead) return;
  close_side(&tunnel->client, reset);
  close_side(&tunnel->origin, reset);
  free(tunnel->buffer);
  tunnel->dead = true;
  tunnel->next = dead;
  dead = tunnel;
}

static void free_dead(void) {
  while (dead) {
    struct tunnel *tunnel = dead;
    dead = tunnel->next;
    free(tunnel);
  }
}

/* Moves what can be moved from one side to the other; false where the tunnel is broken. */
static bool pump(struct side *from, struct side *to) {
  for (bool moved = true; moved;) {
    moved = false;
    if (from->readable && !from->ended && from->held == 0) {
      if (!lend_pipe(from)) return false;
      ssize_t count = splice(from->fd, NULL, from->pipe[1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (count > 0) from->held = (size_t)count, moved = true;
      else if (count == 0) from->ended = true;
      else if (errno == EAGAIN) from->readable = false;
      else return false;
    }
    if (from->held > 0 && to->writable) {
      ssize_t count = splice(from->pipe[0], NULL, to->fd, NULL, from->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (count > 0) from->held -= (size_t)count, moved = true;
      else if (errno == EAGAIN) to->writable = false;
      else return false;
    }
  }
  if (from->held == 0) return_pipe(from);
  if (from->ended && from->held == 0 && !to->shut) shutdown(to->fd, SHUT_WR), to->shut = true;
  return true;
}

static void relay(struct tunnel *tunnel) {
  struct side *client = &tunnel->client, *origin = &tunnel->origin;
  if (!pump(client, origin) || !pump(origin, client)) return end_tunnel(tunnel, true);
  if (client->shut && origin->shut) end_tunnel(tunnel, false);
}

static void watch(struct side *side) {
  int one = 1;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = side};
  setsockopt(side->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, side->fd, &event)) fail("epoll_ctl");
}

static void say(struct tunnel *tunnel, const void *octets, size_t count) {
  if (write(tunnel->client.fd, octets, count) != (ssize_t)count) end_tunnel(tunnel, true);
}

/* Forgets the first octets of what the client sent. */
static void consume(struct tunnel *tunnel, size_t count) {
  tunnel->used -= count;
  memmove(tunnel->buffer, tunnel->buffer + count, tunnel->used + 1);
}

static void dial(struct tunnel *tunnel, struct in_addr address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
  tunnel->stage = DIALLING;
  tunnel->origin.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (tunnel->origin.fd < 0) return end_tunnel(tunnel, true);
  if (connect(tunnel->origin.fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) return end_tunnel(tunnel, true);
  watch(&tunnel->origin);
}

/* The origin has accepted: tells the client so, and sends on what it was quick to say. */
static void join(struct tunnel *tunnel) {
  static const char yes[] = "HTTP/1.1 200 OK\r\n\r\n", socks_yes[10] = {5, 0, 0, 1};
  tunnel->stage = JOINED;
  if (tunnel->socks) say(tunnel, socks_yes, sizeof socks_yes);
  else say(tunnel, yes, sizeof yes - 1);
  if (tunnel->dead) return;
  if (tunnel->used > 0 && write(tunnel->origin.fd, tunnel->buffer, tunnel->used) != (ssize_t)tunnel->used)
    return end_tunnel(tunnel, true);
  free(tunnel->buffer);
  tunnel->buffer = NULL;
  relay(tunnel);
}

static void read_head(struct tunnel *tunnel) {
  char host[32], *end;
  int port;
  while (!tunnel->dead && (end = strstr(tunnel->buffer, "\r\n\r\n"))) {
    bool connects = sscanf(tunnel->buffer, "CONNECT %31[0-9.]:%d", host, &port) == 2;
    struct in_addr address;
    consume(tunnel, (size_t)(end + 4 - tunnel->buffer));
    if (connects) return inet_aton(host, &address) ? dial(tunnel, address, port) : end_tunnel(tunnel, true);
    tunnel->stage = ANSWERING;
    say(tunnel, page, page_size);
  }
}

static void read_socks(struct tunnel *tunnel) {
  const unsigned char *octets = (unsigned char *)tunnel->buffer;
  if (tunnel->used < 2) return;
  if (tunnel->stage == ASKED) {
    if (tunnel->used < 2u + octets[1]) return;
    bool login = memchr(octets + 2, 2, octets[1]);
    tunnel->socks = true;
    tunnel->stage = login ? LOGIN : TARGET;
    consume(tunnel, 2u + octets[1]);
    return say(tunnel, login ? "\5\2" : "\5", 2);
  }
  if (tunnel->stage == LOGIN) {
    size_t name = octets[1];
    if (tunnel->used < 3 + name || tunnel->used < 3 + name + octets[2 + name]) return;
    tunnel->stage = TARGET;
    consume(tunnel, 3 + name + octets[2 + name]);
    return say(tunnel, "\1", 2);
  }
  if (tunnel->used < 10) return;
  struct in_addr address;
  memcpy(&address, octets + 4, 4);
  int port = octets[8] << 8 | octets[9];
  consume(tunnel, 10);
  dial(tunnel, address, port);
}

/* What the client says before there is a tunnel. */
static void listen_to(struct tunnel *tunnel) {
  ssize_t count = read(tunnel->client.fd, tunnel->buffer + tunnel->used, BUFFER - 1 - tunnel->used);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return end_tunnel(tunnel, true);
  tunnel->used += (size_t)count;
  tunnel->buffer[tunnel->used] = 0;
  if (tunnel->socks || (tunnel->stage == ASKED && tunnel->buffer[0] == 5)) read_socks(tunnel);
  else read_head(tunnel);
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (!tunnel || !(tunnel->buffer = malloc(BUFFER))) fail("memory");
    tunnel->client = (struct side){.tunnel = tunnel, .fd = fd, .pipe = {-1, -1}};
    tunnel->origin = (struct side){.tunnel = tunnel, .fd = -1, .pipe = {-1, -1}};
    watch(&tunnel->client);
  }
}

static void handle(void *of, unsigned events) {
  struct side *side = of;
  struct tunnel *tunnel = side->tunnel;
  if (tunnel->dead) return;
  if (events & EPOLLERR) return end_tunnel(tunnel, true);
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) side->readable = true;
  if (events & EPOLLOUT) side->writable = true;
  if (tunnel->stage == JOINED) return relay(tunnel);
  if (side == &tunnel->origin) return side->writable ? join(tunnel) : (void)0;
  if (tunnel->stage != DIALLING && side->readable) listen_to(tunnel);
}

int main(void) {
  serve(accept_all, handle, free_dead);
}
