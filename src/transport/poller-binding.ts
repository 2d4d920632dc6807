/** What an event says happened to a socket (native/poller.h). */
export const pollBit = {
  /** Octets, a FIN or a reset can be read. */
  readable: 1,
  writable: 2,
  /** The peer's FIN has come, or an urgent octet, or the connection is broken: reads go on until they say so. */
  hungUp: 4,
  /** A listener has accepted a connection: its handle is the third field. */
  accepted: 8,
  /** The connection that was begun stands. */
  connected: 16,
  /** It doesn't; the third field is the errno. */
  failed: 32,
} as const;

/** Doubles of one event: handle, bits, and what the bits say of the third. */
export const EVENT_FIELDS = 3;

/** Plain TCP sockets of one thread of JavaScript without libuv's own streams: one epoll of ours stands in the thread's event loop, and
 *  is edge-triggered. Handles are whole numbers below 2^53 that name one socket of the thread and never another; with one that is closed
 *  every call returns -EBADF. All calls return at once. Failures are negative errnos. */
export interface PollerBinding {
  /** Once per thread, before anything else. `dispatch` is called with how many events stand in `events`; what it does with microtasks
   *  and ticks is as for any callback of Node. Reads go to `room`. False where this Node can't do it. */
  pollOpen(dispatch: (count: number) => void, events: Float64Array, room: Buffer): boolean;
  /** Binds to an address (no name) and listens; connections accepted have no delay. */
  pollListen(address: string, port: number, reusePort: boolean, backlog: number): number;
  /** Takes a connection that waits at a listener, beside those that `accepted` tells of; -EAGAIN where none waits. */
  pollAccept(listener: number): number;
  /** Begins to connect; `connected` or `failed` follows. No delay. */
  pollConnect(address: string, port: number, from: string | undefined): number;
  /** Takes over a connected descriptor. */
  pollAttach(descriptor: number): number;
  /** Octets read into the room, at most so many; 0 for the FIN. */
  pollRead(handle: number, most: number): number;
  /** Octets that were taken. */
  pollWrite(handle: number, octets: Uint8Array): number;
  /** The same of a Latin-1 text of at most 16 KiB; -EMSGSIZE for a longer one. */
  pollWriteLatin1(handle: number, text: string): number;
  /** Sends the FIN. */
  pollShutdown(handle: number): number;
  /** Closes it, by RST where asked. Its descriptor's number is not used again before the events under way are done with. */
  pollClose(handle: number, reset: boolean): void;
  /** Watches it no more: its descriptor is the caller's from now on. */
  pollRelease(handle: number): number;
  pollDescriptor(handle: number): number;
  /** How many octets the connection of a descriptor has brought that nobody has read; 0 where that isn't known. */
  unread(fd: number): number;
  pollKeepAlive(handle: number, delaySeconds: number): number;
  /** `local address, local port, remote address, remote port` with blanks between, as the system tells them (an IPv4 address of a
   *  dual-stack socket as `::ffff:…`); empty where it doesn't. */
  pollEnds(handle: number): string;
  /** The remote address of an accepted socket, without asking the system. */
  pollPeer(handle: number): string;
}
