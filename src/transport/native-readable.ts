import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { NativeSocket } from './native-socket.ts';
import type { PollerBinding } from './poller-binding.ts';
import type { Borrower } from './socket.ts';
import { systemError } from './system-error.ts';

/** Most octets that are read at once and kept, and how many wait here of a peer that is gone; as for Node's own sockets. */
export const KEPT_BYTES = 64 * 1024;

/** Most octets that are read at once and only lent. */
const LENT_BYTES = 256 * 1024;

/** Reads in one go; a socket with more to say has its next turn behind the others. */
const READS_AT_ONCE = 4;

export const EAGAIN = -11;

/** What the system says of a connection that was reset after its peer's FIN had come; of any other, ECONNRESET. */
const EPIPE = -32;

/** What a socket needs of its thread. */
export interface SocketHome {
  readonly binding: PollerBinding;
  /** Where reads go to: each is over before the next begins. */
  readonly room: Buffer;
  /** Enters a socket under its handle, or strikes it off. */
  enter(handle: number, socket: NativeSocket): void;
  strike(handle: number): void;
  /** Calls socket.laterTurn() behind the events that are under way. */
  later(socket: NativeReadable): void;
  /** How many octets the system holds for the socket of a handle. */
  unread(handle: number): number;
  /** Calls socket.closed() once whoever runs now is done. */
  closing(socket: NativeSocket): void;
}

/** The reading half of a NativeSocket: tells octets while it flows, and an end behind them. */
export abstract class NativeReadable extends EventEmitter {
  protected readonly home: SocketHome;
  /** See PollerBinding. */
  handle: number;
  protected connecting: boolean;
  destroyed = false;
  errored: Error | null = null;
  bytesRead = 0;
  unread = 0;

  /** Null until somebody wants octets. */
  #flowing: boolean | null = null;
  #turns = false;
  #flows = false;
  /** Waits for a turn behind the others; octets have been told since the last of those. */
  #waits = false;
  #told = false;
  /** Octets, a FIN or an error may be there to be read. */
  #readable: boolean;
  #hungUp = false;
  readonly #held: Buffer[] = [];
  readableLength = 0;
  /** The FIN has been read; it has been told. */
  #finRead = false;
  readableEnded = false;
  /** Why nothing more can be read; the system tells it but once. */
  protected broken: NodeJS.ErrnoException | null = null;
  /** Whether what a peer said last is still of use when it is gone: of an exit it may be an answer. */
  protected abstract readonly keepsLast: boolean;
  #borrower: Borrower | null = null;

  constructor(home: SocketHome, handle: number, connecting: boolean) {
    super();
    this.home = home;
    this.handle = handle;
    this.connecting = connecting;
    // Most clients have sent something by the time they are accepted.
    this.#readable = !connecting;
  }

  override on(event: string | symbol, listener: (...values: never[]) => void): this {
    super.on(event, listener as (...values: unknown[]) => void);
    if (event === 'data' && this.#flowing !== false) this.resume();
    return this;
  }

  isPaused(): boolean {
    return this.#flowing === false;
  }

  pause(): this {
    this.#flowing = false;
    return this;
  }

  resume(): this {
    if (this.#flowing === true) return this;
    this.#flowing = true;
    if (!this.#turns && (this.#readable || this.readableLength > 0 || this.#finRead || this.broken !== null)) {
      this.#turns = true;
      process.nextTick(takeTurn, this);
    }
    return this;
  }

  read(): Buffer | null {
    const piece = this.#held.length === 0 ? undefined : this.#held.shift();
    if (piece === undefined) return null;
    this.readableLength -= piece.length;
    return piece;
  }

  unshift(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#held.unshift(octets);
    this.readableLength += octets.length;
    if (this.#flowing === true) this.#takeTurn();
  }

  /** See Socket. */
  lendTo(borrower: Borrower): void {
    this.#borrower = borrower;
  }

  /** See Socket. */
  hasNews(): boolean {
    const before = this.bytesRead;
    this.#readable = true;
    this.#flow();
    return this.bytesRead > before || this.#finRead || this.broken !== null;
  }

  /** Its turn, that resume() asked for. */
  turn(): void {
    this.#turns = false;
    this.#flow();
  }

  /** Its turn behind the others. */
  laterTurn(): void {
    this.#waits = false;
    this.#told = false;
    this.#flow();
  }

  abstract destroy(error?: Error): this;

  /** The end has been told. */
  protected abstract endTold(): void;

  /** Something may be there to be read. */
  protected hear(hungUp: boolean): void {
    this.#readable = true;
    if (hungUp) this.#hungUp = true;
    this.#flow();
  }

  /** Nothing can be written any more, for `error`. What the peer said last is told before that is, where it is of use. */
  protected muted(error: NodeJS.ErrnoException): void {
    this.broken ??= error;
    // However much that is.
    this.#readable = this.keepsLast;
    this.#hungUp = true;
    if (this.keepsLast && this.#flowing === true) this.#takeTurn();
    else this.#keepLast();
  }

  /** Counts what has come and won't be read. Nothing comes behind a FIN. */
  protected countUnread(): void {
    if (!this.connecting && !this.#finRead) this.unread = this.home.unread(this.handle);
  }

  /** Takes away all that waits here; no more is read. */
  protected takeHeld(): Buffer[] {
    this.#readable = false;
    this.readableLength = 0;
    return this.#held.splice(0);
  }

  #takeTurn(): void {
    if (this.#turns) return;
    this.#turns = true;
    process.nextTick(takeTurn, this);
  }

  /** Tells octets as long as anybody wants them. Not re-entered. */
  #flow(): void {
    if (this.#flows || this.destroyed || this.connecting) return;
    this.#flows = true;
    try {
      this.#tell();
    } finally {
      // A listener may have thrown: the next event is heard all the same.
      this.#flows = false;
    }
  }

  #tell(): void {
    for (let reads = 0; !this.destroyed; ) {
      if (this.#flowing !== true) {
        if (this.#hungUp) this.#keepLast();
        break;
      }
      const held = this.read();
      if (held !== null) {
        this.#told = true;
        this.emit('data', held);
        continue;
      }
      const isOver = !this.#readable && (this.#finRead || this.broken !== null);
      // Whoever was told of octets has first done with them, promises included.
      if ((isOver && this.#told) || reads === READS_AT_ONCE) {
        if (!this.#waits) this.home.later(this);
        this.#waits = true;
        break;
      }
      if (isOver) {
        this.#tellEnd();
        break;
      }
      if (!this.#readable) break;
      reads++;
      this.#take();
    }
  }

  /** Reads once, and tells what came. */
  #take(): void {
    const borrower = this.#borrower;
    const count = this.#read(borrower === null ? KEPT_BYTES : LENT_BYTES);
    if (count <= 0) return;
    this.#told = true;
    const { room } = this.home;
    if (borrower === null) this.emit('data', copyOf(room, count));
    else if (!borrower(room.subarray(0, count))) this.pause();
  }

  /** Of a peer that is gone what it said last is read whoever wants it, so that its being gone shows. */
  #keepLast(): void {
    while (this.#readable && this.readableLength < KEPT_BYTES) {
      const count = this.#read(KEPT_BYTES);
      if (count <= 0) break;
      this.#held.push(copyOf(this.home.room, count));
      this.readableLength += count;
    }
    if (this.broken === null || this.#readable) return;
    if ((this.readableLength === 0 && !this.#owesEnd) || !this.keepsLast) this.destroy(this.broken);
  }

  /** How many octets were read; 0 where there are none now. */
  #read(most: number): number {
    const count = this.home.binding.pollRead(this.handle, most);
    if (count > 0) {
      this.bytesRead += count;
      // Behind a short read the next octets bring their own event; an end that is known of has had its event.
      if (count < most && !this.#hungUp) this.#readable = false;
      return count;
    }
    this.#readable = false;
    if (count < 0 && count !== EAGAIN) this.broken ??= systemError('read', count);
    // Once its error has been told a connection that was reset reads like one that has ended.
    if (count === 0) this.#finRead ||= this.broken === null || this.broken.errno === EPIPE;
    return 0;
  }

  /** Whether the end of what the peer had to say has come, and was not told. */
  get #owesEnd(): boolean {
    return this.#finRead && !this.readableEnded && this.keepsLast;
  }

  #tellEnd(): void {
    if (this.broken !== null && !this.#owesEnd) {
      this.destroy(this.broken);
      return;
    }
    if (this.readableEnded) return;
    this.readableEnded = true;
    this.emit('end');
    if (this.broken === null) this.endTold();
    else this.destroy(this.broken);
  }
}

const takeTurn = (socket: NativeReadable): void => socket.turn();

function copyOf(room: Buffer, count: number): Buffer {
  const octets = Buffer.allocUnsafe(count);
  room.copy(octets, 0, 0, count);
  return octets;
}
