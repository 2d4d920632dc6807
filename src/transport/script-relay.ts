import { Buffer } from 'node:buffer';
import { TLSSocket } from 'node:tls';
import { KEEP_ALIVE_DELAY_MS } from './dial.ts';
import type { FirstOctets, Relay, RelayCounts, RelayHandle, RelayOptions, RelayOutcome } from './relay.ts';
import { Budget } from './relay-budget.ts';
import { resetSocket } from './reset-socket.ts';
import type { Socket } from './socket.ts';

/** Carries a tunnel in this thread, whatever its sockets are. */
export const scriptRelay: Relay = (a, b, options) => new ScriptRelay(a, b, options);

class ScriptRelay implements RelayHandle {
  readonly handle = 0;
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
  /** A side is gone, and what it said to its end is still on its way. */
  #isLeaving = false;
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
    this.#forth = new Direction(a, b, this.#eventsOf('a', options.watchesA));
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

  #eventsOf(side: 'a' | 'b', watched = false): DirectionEvents {
    let watching = watched;
    return {
      mayPass: () => this.#budget.room,
      took: (chunk) => {
        this.#idle.refresh();
        this.#budget.take(chunk.length);
        this.#first[side] ??= firstOctetsOf(chunk, this.#options.now() - this.#begunAt);
        if (watching) watching = this.#options.owner.sees?.(chunk) === true;
      },
      room: () => this.#idle.refresh(),
      ended: () => {
        this.#endedFirst ??= side;
        // It may have gone while its last octets waited.
        if ((side === 'a' ? this.#a : this.#b).destroyed) queueMicrotask(() => this.#lost(side));
      },
    };
  }

  /** A side is gone. After both FINs that is the end, whether by close or by a late RST; before, it is a reset, once all has left that the
   *  side had said to its end. */
  #lost(side: 'a' | 'b'): void {
    const [said, other] = side === 'a' ? [this.#forth, this.#b] : [this.#back, this.#a];
    if (said.owes && !other.destroyed) return;
    if (this.#forth.ended && this.#back.ended) {
      if (this.#a.destroyed && this.#b.destroyed) this.#finish('closed', null);
    } else if (!said.ended || other.destroyed || other.writableLength === 0) this.#finish('reset', side);
    else if (!this.#isLeaving) {
      this.#isLeaving = true;
      other.once('finish', () => this.#finish('reset', side));
    }
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
  /** What waits for the budget of a sender that had ended before the relay began: behind its end a socket takes nothing back. */
  #owed: Buffer | null = null;
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
    if (this.#from.readableEnded && !this.owes) this.#end();
    this.#flow();
  }

  /** Whether all has come, and the end with it, but not all has passed. */
  get owes(): boolean {
    return this.#owed !== null;
  }

  set held(held: boolean) {
    this.#held = held;
    this.#flow();
  }

  #flow(): void {
    if (this.#full || this.#held || this.#to.destroyed) this.#from.pause();
    else if (this.#owed !== null) this.#passOwed(this.#owed);
    else this.#from.resume();
  }

  #passOwed(octets: Buffer): void {
    this.#owed = null;
    this.#pass(octets);
    if (!this.owes) this.#end();
  }

  readonly #borrow = (octets: Buffer): boolean => {
    // Behind a write that is under way, or where not all may pass, octets would be kept.
    const isKept = this.#to.writableLength > 0 || octets.length > this.#events.mayPass();
    this.#pass(isKept ? Buffer.from(octets) : octets);
    return !this.#full && !this.#held;
  };

  readonly #pass = (octets: Buffer): void => {
    if (this.#to.destroyed) return this.#flow();
    const room = this.#events.mayPass();
    const chunk = octets.length > room ? octets.subarray(0, room) : octets;
    if (chunk !== octets) {
      this.#keep(octets.subarray(room));
      if (room === 0) return;
    }
    this.bytes += chunk.length;
    this.#events.took(chunk);
    if (this.#to.write(chunk)) return;
    this.#full = true;
    this.#flow();
  };

  /** Once it flows again it comes again. */
  #keep(octets: Buffer): void {
    this.#from.pause();
    if (this.#from.readableEnded) this.#owed = octets;
    else this.#from.unshift(octets);
  }

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
