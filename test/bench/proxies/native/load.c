// The load on one proxy: loopback clients in one thread, by epoll. Prints one JSON line at the end.
//
//   load MODE key=value…
//     direct   a new connection to the origin, one GET, close         kept   GETs on kept connections to the origin
//     connect  a new connection, CONNECT, one GET through it, close   http   absolute-form GETs on kept connections
//     socks5   the same through SOCKS5, with a login by RFC 1929      bulk   CONNECT, then an endless response
//     idle     CONNECT tunnels that are held until standard input ends; says {"held":N} when all are up
//   proxy=PORT origin=PORT connections=N seconds=S rate=R patience=S bytes=N (end of bulk)
//   login=NAME:SECRET (for SOCKS5) basic=CREDENTIALS (the same in base 64, for HTTP)
//
// Without `rate` each connection begins an exchange as soon as it has ended the last one (closed loop). With it exchanges are due
// at random times, R a second on average, whatever became of those before (open loop): one that finds every connection busy waits
// here, and every latency counts from the time it was due, so that a proxy that stalls can't slow the clock it is measured by.
// An exchange that isn't done `patience` after it was due is given up. Connections are closed by reset: nothing is left in
// TIME_WAIT, which would use up the ports.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 8192, BATCH = 512, OPENING = 64, DISCARD = 1 << 20 };
enum way { NONE, CONNECT, SOCKS };
enum use { PAGE, STREAM, HOLD };
struct mode { const char *name; bool proxied; enum way way; enum use use; bool kept; };
static const struct mode modes[] = {
  {"direct", false, NONE, PAGE, false}, {"kept", false, NONE, PAGE, true},    {"connect", true, CONNECT, PAGE, false},
  {"socks5", true, SOCKS, PAGE, false}, {"http", true, NONE, PAGE, true},     {"bulk", true, CONNECT, STREAM, false},
  {"idle", true, CONNECT, HOLD, false},
};

enum stage { REST, DIALLING, METHOD, LOGIN, TUNNEL, HEAD, CONTENT, STREAMING, HELD };
struct link { int fd; enum stage stage; bool closes, used_before; double due; size_t used; long owed; char buffer[BUFFER]; };
struct times { double *at; size_t count, room; };

static const struct mode *mode;
static int proxy_port, origin_port, connections = 1;
static double seconds = 1, rate, patience, bytes_limit;
static char name[128], secret[128], field[400];
static struct link *links;
static int *resting, resting_count, epoll;
static struct times served, refused_after;
static long refused, dropped, late, unstarted, held;
static double bytes;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void note(struct times *times, double value) {
  if (times->count == times->room) {
    times->room = times->room ? 2 * times->room : 1 << 16;
    times->at = realloc(times->at, times->room * sizeof *times->at);
    if (!times->at) fail("memory");
  }
  times->at[times->count++] = value;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* In ms; the array has been sorted. */
static double quantile(const struct times *times, double share) {
  return times->count ? times->at[(size_t)(share * (double)(times->count - 1))] * 1e3 : 0;
}

/* Seconds until the next exchange is due: exponential, from a fixed seed. */
static double gap(void) {
  static unsigned long state = 88172645463325252UL;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return -log(((double)(state >> 11) + 0.5) / 9007199254740992.0) / rate;
}

static void watch(struct link *link, unsigned events, int how) {
  struct epoll_event event = {.events = events, .data.ptr = link};
  if (epoll_ctl(epoll, how, link->fd, &event)) fail("epoll_ctl");
}

static void hang_up(struct link *link) {
  if (link->fd >= 0) close(link->fd);
  link->fd = -1;
}

/* The exchange is over: its connection may begin another. */
static void rest(struct link *link, bool keep) {
  if (!keep) hang_up(link);
  link->stage = REST;
  resting[resting_count++] = (int)(link - links);
}

static void drop(struct link *link) {
  dropped++;
  rest(link, false);
}

/* The proxy has answered, and it is a no. */
static void refuse(struct link *link) {
  if (refused++ == 0) fprintf(stderr, "refused: %.*s\n", (int)strcspn(link->buffer, "\r\n"), link->buffer);
  note(&refused_after, now() - link->due);
  rest(link, false);
}

static void serve(struct link *link) {
  note(&served, now() - link->due);
  rest(link, mode->kept && !link->closes);
}

static void say(struct link *link, const void *octets, size_t count, enum stage next) {
  link->used = 0;
  link->stage = next;
  if (write(link->fd, octets, count) != (ssize_t)count) drop(link);
}

static void ask_page(struct link *link) {
  char text[1024], start[64] = "";
  bool absolute = mode->proxied && mode->way == NONE;
  if (absolute) snprintf(start, sizeof start, "http://127.0.0.1:%d", origin_port);
  static const char form[] = "GET %s/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n";
  int count = snprintf(text, sizeof text, form, start, mode->use == STREAM ? "bulk" : "page", origin_port, absolute ? field : "");
  link->owed = -1;
  link->closes = false;
  say(link, text, (size_t)count, mode->use == STREAM ? STREAMING : HEAD);
}

static void use_tunnel(struct link *link) {
  if (mode->use != HOLD) return ask_page(link);
  link->stage = HELD;
  held++;
}

static void dial(struct link *link) {
  int one = 1;
  struct linger reset = {1, 0};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(mode->proxied ? proxy_port : origin_port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link->fd < 0) fail("socket");
  setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  link->stage = DIALLING;
  if (connect(link->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) return drop(link);
  watch(link, EPOLLOUT, EPOLL_CTL_ADD);
}

static void begin(struct link *link, double due) {
  link->due = due;
  link->used_before = link->fd >= 0;
  if (link->used_before) ask_page(link);
  else dial(link);
}

static void dialled(struct link *link) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return drop(link);
  watch(link, EPOLLIN, EPOLL_CTL_MOD);
  if (mode->way == NONE) return ask_page(link);
  if (mode->way == SOCKS) return *name ? say(link, "\5\1\2", 3, METHOD) : say(link, "\5\1\0", 3, METHOD);
  char text[1024];
  static const char form[] = "CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n";
  int count = snprintf(text, sizeof text, form, origin_port, origin_port, field);
  say(link, text, (size_t)count, TUNNEL);
}

static void ask_socks(struct link *link) {
  char request[10] = {5, 1, 0, 1, 127, 0, 0, 1, (char)(origin_port >> 8), (char)origin_port};
  say(link, request, sizeof request, TUNNEL);
}

static void socks_said(struct link *link) {
  const char *octets = link->buffer;
  if (link->used < (link->stage == TUNNEL ? 10 : 2)) return;
  bool login = link->stage == METHOD && octets[1] == 2;
  if (octets[1] != 0 && !login) return refuse(link);
  if (link->stage == TUNNEL) return use_tunnel(link);
  if (!login) return ask_socks(link);
  char text[300];
  int count = snprintf(text, sizeof text, "\1%c%s%c%s", (int)strlen(name), name, (int)strlen(secret), secret);
  say(link, text, (size_t)count, LOGIN);
}

static void head_said(struct link *link) {
  char *end = strstr(link->buffer, "\r\n\r\n");
  if (!end) return link->used == BUFFER - 1 ? drop(link) : (void)0;
  if (strncmp(link->buffer + 8, " 200", 4)) return refuse(link);
  if (link->stage == TUNNEL) return use_tunnel(link);
  *end = 0;
  const char *length = strcasestr(link->buffer, "\r\ncontent-length:");
  link->closes = !length || strcasestr(link->buffer, "\r\nconnection: close") || !strncmp(link->buffer, "HTTP/1.0", 8);
  long came = (long)link->used - (end + 4 - link->buffer);
  link->owed = length ? atol(length + 17) - came : -1;
  bytes += (double)came;
  link->stage = CONTENT;
  if (link->owed == 0) serve(link);
}

static void content_came(struct link *link, ssize_t count) {
  bytes += (double)count;
  if (link->stage == STREAMING || link->owed < 0) return;
  link->owed -= count;
  if (link->owed <= 0) serve(link);
}

static void readable(struct link *link) {
  bool unread = link->stage == CONTENT || link->stage == STREAMING;
  // What isn't looked at needn't be copied.
  ssize_t count = unread ? recv(link->fd, NULL, DISCARD, MSG_TRUNC)
                         : read(link->fd, link->buffer + link->used, BUFFER - 1 - link->used);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    if (link->stage == REST) return hang_up(link);
    if (count == 0 && link->stage == CONTENT && link->owed < 0) return serve(link);
    if (link->stage == HELD) held--;
    if (link->stage != HEAD || !link->used_before || link->used > 0) return drop(link);
    // A kept connection may be closed as it is used again: such a request is sent once more (RFC 9112 §9.3.1).
    hang_up(link);
    return begin(link, link->due);
  }
  if (unread) return content_came(link, count);
  if (link->stage == REST || link->stage == HELD) return;
  link->used += (size_t)count;
  link->buffer[link->used] = 0;
  if (link->stage == HEAD || mode->way == CONNECT) head_said(link);
  else socks_said(link);
}

static void give_up(double t) {
  for (int i = 0; i < connections; i++) {
    if (links[i].stage == REST || t - links[i].due < patience) continue;
    late++;
    rest(&links[i], false);
  }
}

/* Begins what is due at `t` as far as connections are free, and returns the time of the next. */
static double begin_due(double t, double due, double end) {
  if (rate <= 0) {
    int limit = mode->use == HOLD ? OPENING - (connections - resting_count - (int)held) : resting_count;
    while (limit-- > 0 && resting_count > 0) begin(&links[resting[--resting_count]], t);
    return end;
  }
  for (; due <= t && due < end; due += gap()) {
    if (patience > 0 && t - due > patience) late++;
    else if (resting_count > 0) begin(&links[resting[--resting_count]], due);
    else break;
  }
  return due;
}

static void wake_at(int timer, double at) {
  struct itimerspec when = {.it_value = {(time_t)at, (long)((at - floor(at)) * 1e9) + 1}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void handle(struct epoll_event *events, int count) {
  for (int i = 0; i < count; i++) {
    struct link *link = events[i].data.ptr;
    if (!link || link->fd < 0) continue;
    if (link->stage == DIALLING) dialled(link);
    else readable(link);
  }
}

/* Runs the load; returns for how many seconds exchanges were due. What is under way at the end of an open loop is waited for. */
static double run(int timer) {
  double begun = now(), end = begun + seconds, due = begun, looked = begun, t = begun, grace = 2;
  struct epoll_event events[BATCH];
  for (;;) {
    t = now();
    bool over = t >= end || (bytes_limit > 0 && bytes >= bytes_limit);
    over |= mode->use == HOLD && (held == connections || dropped + refused > 100);
    if (rate > 0 || !over) due = begin_due(t, due, end);
    if (over && (rate <= 0 || t >= end + grace || (due >= end && resting_count == connections))) break;
    if (rate > 0 && !over && resting_count > 0) wake_at(timer, due);
    handle(events, epoll_wait(epoll, events, BATCH, 5));
    if (patience > 0 && t - looked > 0.005) give_up(looked = t);
  }
  for (; rate > 0 && due < end; due += gap()) unstarted++;
  return (t < end ? t : end) - begun;
}

static void hold(void) {
  printf("{\"held\":%ld,\"dropped\":%ld,\"refused\":%ld}\n", held, dropped, refused);
  fflush(stdout);
  char octet;
  while (read(STDIN_FILENO, &octet, 1) > 0) {}
}

static void report(double lasted) {
  struct rusage own;
  getrusage(RUSAGE_SELF, &own);
  double cpu = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec);
  cpu += (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) * 1e-6;
  qsort(served.at, served.count, sizeof *served.at, by_value);
  qsort(refused_after.at, refused_after.count, sizeof *refused_after.at, by_value);
  printf("{\"seconds\":%.3f,\"served\":%zu,\"refused\":%ld,\"dropped\":%ld,", lasted, served.count, refused, dropped);
  printf("\"late\":%ld,\"unstarted\":%ld,\"bytes\":%.0f,\"cpuSeconds\":%.3f,", late, unstarted, bytes, cpu);
  printf("\"p50Ms\":%.4f,\"p99Ms\":%.4f,", quantile(&served, 0.5), quantile(&served, 0.99));
  printf("\"refusedP99Ms\":%.4f}\n", quantile(&refused_after, 0.99));
}

static void take(const char *given) {
  if (sscanf(given, "proxy=%d", &proxy_port) || sscanf(given, "origin=%d", &origin_port)) return;
  if (sscanf(given, "connections=%d", &connections) || sscanf(given, "bytes=%lf", &bytes_limit)) return;
  if (sscanf(given, "seconds=%lf", &seconds) || sscanf(given, "rate=%lf", &rate)) return;
  if (sscanf(given, "patience=%lf", &patience)) return;
  if (sscanf(given, "login=%127[^:]:%127s", name, secret) == 2) return;
  char basic[350];
  if (sscanf(given, "basic=%349s", basic) == 1) {
    snprintf(field, sizeof field, "Proxy-Authorization: Basic %s\r\n", basic);
    return;
  }
  fprintf(stderr, "unknown: %s\n", given);
  exit(2);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(modes[i].name, argv[1])) mode = &modes[i];
  if (!mode) return fprintf(stderr, "load MODE key=value…\n"), 2;
  for (int i = 2; i < argc; i++) take(argv[i]);
  links = calloc((size_t)connections, sizeof *links);
  resting = calloc((size_t)connections, sizeof *resting);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event tick = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  if (!links || !resting || epoll < 0 || timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &tick)) fail("start");
  for (int i = 0; i < connections; i++) links[i].fd = -1, rest(&links[i], false);
  double lasted = run(timer);
  if (mode->use == HOLD) hold();
  else report(lasted);
  return 0;
}
