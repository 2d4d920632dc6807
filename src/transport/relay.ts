import type { Socket } from './socket.ts';

/** The first octets that came from a side. */
export interface FirstOctets {
  /** Time in ms after the relay began; 0 for octets that had been read before. */
  readonly afterMs: number;
  /** Content type and length of the TLS record that they begin (RFC 8446 §5.1), or null. */
  readonly tlsRecord: { readonly type: number; readonly length: number } | null;
}

/** How a relay ended. `closed`: both sides sent their FIN. `reset`: side `by` was reset, or vanished without a FIN. `idle`: no
 *  octet either way for idleMs. `cut`: by the caller. */
export interface RelayOutcome {
  /** Octets taken from `a` for `b`; after a reset some may not have arrived. */
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  readonly ended: 'closed' | 'reset' | 'idle' | 'cut';
  readonly by: 'a' | 'b' | null;
  /** Null where nothing came. */
  readonly firstFromA: FirstOctets | null;
  readonly firstFromB: FirstOctets | null;
  /** Whose FIN came first; null where none came. */
  readonly endedFirst: 'a' | 'b' | null;
  /** Octets that `b` had sent and this system had acknowledged, and that a relay outside of the socket has not taken any more; 0 of
   *  one in JavaScript, where the socket counts them itself. */
  readonly unreadB: number;
}

export interface RelayOptions {
  /** Monotonic clock in ms. */
  readonly now: () => number;
  /** Longest time without an octet moving either way; also bounds a tunnel of which only one side has ended. */
  readonly idleMs: number;
  /** Our own words to `a`, before anything else; not counted. */
  readonly reply?: Buffer;
  /** Octets already read from `a`, to be written to `b` first; and the other way round. */
  readonly earlyA?: Buffer;
  readonly earlyB?: Buffer;
  /** Octets per second that may pass, both ways together. */
  readonly octetsPerSecond?: number;
  /** Octets that may pass, both ways together, before the relay waits to be renewed. */
  readonly allowance?: number;
  /** Whether the owner sees octets of `a`; see RelayOwner. */
  readonly watchesA?: boolean;
  /** The moment, of `now`, at which a relay outside of JavaScript cuts it, however it flows; one here has an owner who can. */
  readonly expiresAt?: number;
  /** Told of a relay that goes on outside of JavaScript. */
  readonly outside?: OutsideCount;
  /** How many octets of `b`, which is plain TCP, the system may hold that nobody has read, at the latest from the first renewal on that
   *  is scarce, where it can be told; as many as it likes unless given. */
  readonly mostUnreadB?: number;
  readonly owner: RelayOwner;
}

/** Whose relay it is. Nothing is called before the relay's handle is there, and nothing may throw. */
export interface RelayOwner {
  /** The allowance is used up. */
  onSpent?(): void;
  /** Sees octets of `a` in order, and must not keep them, until it says false: as they are passed on, or, where they pass outside of
   *  JavaScript, the first of them once, at the end. Only where it was asked for. */
  sees?(octets: Buffer): boolean;
  /** Once: neither socket is open any more. */
  onEnd(outcome: RelayOutcome): void;
}

/** Who counts what goes on outside of JavaScript. */
export interface OutsideCount {
  begun(): void;
  ended(): void;
}

/** A running relay. */
export interface RelayHandle {
  /** What names it to all threads where it goes on outside of JavaScript; 0 where it doesn't. */
  readonly handle: number;
  /** Whether the octets pass outside of the two sockets, which are destroyed. */
  readonly outside: boolean;
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  /** Both at once. Zeros while a relay outside has ended and its record is on the way. */
  counts(): RelayCounts;
  /** Ends the relay by resetting both sides. Does nothing once it has ended. */
  cut(): void;
  /** Lets `octets` more pass, in place of what was left of the allowance, also where there was none and all could pass. `scarce` ones
   *  soon come to an end: see mostUnreadB. */
  renew(octets: number, scarce: boolean): void;
  /** Tells this owner from now on; only of one outside. */
  handTo?(owner: RelayOwner): void;
}

/** Octets taken from each side so far. */
export interface RelayCounts {
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
}

/** What carries tunnels: copies between two connected sockets until both are closed, and owns them from now on. Each direction waits
 *  for its receiver, so a stalled reader costs no more than the buffers of two sockets; a FIN is passed on and leaves the other
 *  direction open (both sockets need allowHalfOpen); anything that is not a FIN resets both sides, so that what was cut never
 *  looks whole. */
export type Relay = (a: Socket, b: Socket, options: RelayOptions) => RelayHandle;
