// What the servers of the benchmark have in common: a page of 1 KiB, and a loop over epoll.
#pragma once
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 512, PAGE = 1024 };

static int epoll;
static char page[PAGE + 128];
static size_t page_size;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Listens at a free port of loopback, says {"port":N}, and calls `accept_all` and `handle` for what comes, and `after` behind each
 * round of it. Returns at the end of standard input. */
static void serve(void (*accept_all)(int listener), void (*handle)(void *of, unsigned events), void (*after)(void)) {
  signal(SIGPIPE, SIG_IGN);
  page_size = (size_t)sprintf(page, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", PAGE);
  memset(page + page_size, 'x', PAGE);
  page_size += PAGE;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 4096)) fail("listen");
  getsockname(listener, (struct sockaddr *)&at, &size);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event incoming = {.events = EPOLLIN, .data.ptr = &listener}, ending = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &incoming);
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ending);
  printf("{\"port\":%d}\n", ntohs(at.sin_port));
  fflush(stdout);
  struct epoll_event events[BATCH];
  for (;;) {
    int count = epoll_wait(epoll, events, BATCH, -1);
    for (int i = 0; i < count; i++) {
      if (!events[i].data.ptr) return;
      if (events[i].data.ptr == &listener) accept_all(listener);
      else handle(events[i].data.ptr, events[i].events);
    }
    if (after) after();
  }
}
