import { TLSSocket } from 'node:tls';
import { KEEP_ALIVE_DELAY_MS } from './dial.ts';
import { Budget } from './relay-budget.ts';
import { resetSocket } from './reset-socket.ts';
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
  /** What tells the tunnel to whoever inherits it when this thread dies. */
  readonly tag?: number;
  /** Sees octets of `a` in order, and must not keep them, until it says false: as they are passed on, or, where they pass
   *  outside of JavaScript, the first of them once, at the end. */
  readonly watchA?: Watcher;
  /** The moment, of `now`, at which a relay outside of JavaScript cuts it, however it flows; one here has an owner who can. */
  readonly expiresAt?: number;
  /** Told of a relay that goes on outside of JavaScript. */
  readonly outside?: OutsideCount;
  /** How many octets of `b`, which is plain TCP, the system may hold that nobody has read, at the latest from the first renewal on that
   *  is scarce, where it can be told; as many as it likes unless given. */
  readonly mostUnreadB?: number;
  readonly owner: RelayOwner;
}

/** Whose relay it is. Nothing is called before relay() has returned, and nothing may throw. */
export interface RelayOwner {
  /** The allowance is used up. */
  onSpent?(): void;
  /** Once: neither socket is open any more. */
  onEnd(outcome: RelayOutcome): void;
}

/** Who sees octets as they pass. */
export interface Watcher {
  see(octets: Buffer): boolean;
}

/** Who counts what goes on outside of JavaScript. */
export interface OutsideCount {
  begun(): void;
  ended(): void;
}

/** A running relay. */
export interface RelayHandle {
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
}

/** Octets taken from each side so far. */
export interface RelayCounts {
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
}

/** What carries tunnels; see relay(). */
export type Relay = (a: Socket, b: Socket, options: RelayOptions) => RelayHandle;

/** Copies between two connected sockets until both are closed, and owns them from now on. Each direction waits for its
 *  receiver, so a stalled reader costs no more than the buffers of two sockets; a FIN is passed on and leaves the other
 *  direction open (both sockets need allowHalfOpen); anything that is not a FIN resets both sides, so that what was cut never
 *  looks whole. */
export function relay(a: Socket, b: Socket, options: RelayOptions): RelayHandle {
  return new ScriptRelay(a, b, options);
}

class ScriptRelay implements RelayHandle {
  readonly outside = false;
  readonly #forth: Direction;
  readonly #back: Direction;
  readonly #a: Socket;
  readonly #b: Socket;
  readonly #options: RelayOptions;
  readonly #begunAt: number;
  readonly #idle: NodeJS.Timeout;
  readonly #budget: Budget;
  readonly #first: { a: FirstOctets | null; b: FirstOctets | null } = { a: null, b: null };
  #endedFirst: 'a' | 'b' | null = null;
  #over = false;

  constructor(a: Socket, b: Socket, options: RelayOptions) {
    this.#a = a;
    this.#b = b;
    this.#options = options;
    this.#begunAt = options.now();
    this.#idle = setTimeout(() => this.#finish('idle', null), options.idleMs);
    this.#budget = new Budget(options, (held) => {
      this.#forth.held = held;
      this.#back.held = held;
    });
    this.#forth = new Direction(a, b, this.#eventsOf('a', options.watchA));
    this.#back = new Direction(b, a, this.#eventsOf('b'));
    a.on('error', () => this.#lost('a')).on('close', () => this.#lost('a'));
    b.on('error', () => this.#lost('b')).on('close', () => this.#lost('b'));
    // What ended before the relay began emits nothing more.
    if (a.destroyed) queueMicrotask(() => this.#lost('a'));
    else if (b.destroyed) queueMicrotask(() => this.#lost('b'));
    for (const side of [a, b]) side.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    if (options.reply !== undefined) a.write(options.reply);
    this.#forth.start(options.earlyA);
    this.#back.start(options.earlyB);
  }

  get bytesAtoB(): number {
    return this.#forth.bytes;
  }

  get bytesBtoA(): number {
    return this.#back.bytes;
  }

  counts(): RelayCounts {
    return { bytesAtoB: this.bytesAtoB, bytesBtoA: this.bytesBtoA };
  }

  cut(): void {
    this.#finish('cut', null);
  }

  renew(octets: number): void {
    if (!this.#over) this.#budget.renew(octets);
  }

  #eventsOf(side: 'a' | 'b', watch?: Watcher): DirectionEvents {
    let watching = watch;
    return {
      mayPass: () => this.#budget.room,
      took: (chunk) => {
        this.#idle.refresh();
        this.#budget.take(chunk.length);
        this.#first[side] ??= firstOctetsOf(chunk, this.#options.now() - this.#begunAt);
        if (watching?.see(chunk) === false) watching = undefined;
      },
      room: () => this.#idle.refresh(),
      ended: () => {
        this.#endedFirst ??= side;
      },
    };
  }

  /** A side is gone. After both FINs that is the end, whether by close or by a late RST; before, it is a reset. */
  #lost(side: 'a' | 'b'): void {
    if (!this.#forth.ended || !this.#back.ended) this.#finish('reset', side);
    else if (this.#a.destroyed && this.#b.destroyed) this.#finish('closed', null);
  }

  #finish(ended: RelayOutcome['ended'], by: 'a' | 'b' | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#idle);
    this.#budget.close();
    resetSocket(this.#a);
    resetSocket(this.#b);
    const { bytesAtoB, bytesBtoA } = this;
    this.#options.owner.onEnd({
      bytesAtoB,
      bytesBtoA,
      ended,
      by,
      firstFromA: this.#first.a,
      firstFromB: this.#first.b,
      endedFirst: this.#endedFirst,
      unreadB: 0,
    });
  }
}

/** What a direction tells the relay: a chunk was taken, the receiver has room again, the sender's FIN has come. */
interface DirectionEvents {
  /** How many octets may pass now. */
  mayPass(): number;
  took(chunk: Buffer): void;
  room(): void;
  ended(): void;
}

/** One way through a relay. The listeners stay on: after the end the sockets are destroyed and call none. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #events: DirectionEvents;
  /** The receiver takes no more for now; the budget lets nothing pass. */
  #full = false;
  #held = false;
  bytes = 0;
  /** The sender's FIN has come. */
  ended = false;

  constructor(from: Socket, to: Socket, events: DirectionEvents) {
    this.#from = from;
    this.#to = to;
    this.#events = events;
  }

  start(early: Buffer | undefined): void {
    // TLS has encrypted what it is given before write() returns; other sockets may keep it for longer.
    if (this.#to instanceof TLSSocket) this.#from.lendTo?.(this.#borrow);
    this.#from.on('data', this.#pass).on('end', this.#end);
    this.#to.on('drain', this.#drained);
    if (early !== undefined && early.length > 0) this.#pass(early);
    this.#flow();
    if (this.#from.readableEnded) this.#end();
  }

  set held(held: boolean) {
    this.#held = held;
    this.#flow();
  }

  #flow(): void {
    if (this.#full || this.#held) this.#from.pause();
    else this.#from.resume();
  }

  readonly #borrow = (octets: Buffer): boolean => {
    // Behind a write that is under way, or where not all may pass, octets would be kept.
    const isKept = this.#to.writableLength > 0 || octets.length > this.#events.mayPass();
    this.#pass(isKept ? Buffer.from(octets) : octets);
    return !this.#full && !this.#held;
  };

  readonly #pass = (octets: Buffer): void => {
    const room = this.#events.mayPass();
    const chunk = octets.length > room ? octets.subarray(0, room) : octets;
    if (chunk !== octets) {
      // Once it flows again it comes again.
      this.#from.pause();
      this.#from.unshift(octets.subarray(room));
      if (room === 0) return;
    }
    this.bytes += chunk.length;
    this.#events.took(chunk);
    if (this.#to.write(chunk)) return;
    this.#full = true;
    this.#flow();
  };

  readonly #drained = (): void => {
    this.#events.room();
    this.#full = false;
    this.#flow();
  };

  readonly #end = (): void => {
    this.ended = true;
    this.#events.ended();
    this.#to.end();
  };
}

function firstOctetsOf(chunk: Buffer, afterMs: number): FirstOctets {
  const type = chunk[0] ?? 0;
  const isRecord = chunk.length >= 5 && type >= 20 && type <= 24 && chunk[1] === 3;
  return { afterMs, tlsRecord: isRecord ? { type, length: chunk.readUInt16BE(3) } : null };
}
