import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** How a relay ended. `closed`: both sides sent their FIN. `reset`: side `by` was reset, or vanished without a FIN. `idle`: no
 *  octet either way for idleMs. `cut`: by the caller. */
export interface RelayOutcome {
  /** Octets taken from `a` for `b`; after a reset some may not have arrived. */
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  readonly ended: 'closed' | 'reset' | 'idle' | 'cut';
  readonly by: 'a' | 'b' | null;
}

/** Who looks at the beginning of what a relay moves. */
export interface RelayObserver {
  /** Sees octets before they are passed on; it must not keep them. False: it has seen enough of that side. */
  chunk(from: 'a' | 'b', octets: Buffer): boolean;
  /** A side's FIN has come. */
  end(from: 'a' | 'b'): void;
}

export interface RelayOptions {
  /** Longest time without an octet moving either way; also bounds a tunnel of which only one side has ended. */
  readonly idleMs: number;
  /** Octets already read from `a`, to be written to `b` first; and the other way round. */
  readonly earlyA?: Buffer;
  readonly earlyB?: Buffer;
  readonly observer?: RelayObserver;
  /** Called once, never before relay() has returned; then neither socket is open any more. */
  readonly onEnd: (outcome: RelayOutcome) => void;
}

/** A running relay. */
export interface RelayHandle {
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  /** Ends the relay by resetting both sides. Does nothing once it has ended. */
  cut(): void;
}

/** Copies between two connected sockets until both are closed, and owns them from now on. Each direction waits for its
 *  receiver, so a stalled reader costs no more than the buffers of two sockets; a FIN is passed on and leaves the other
 *  direction open (both sockets need allowHalfOpen); anything that is not a FIN resets both sides, so that what was cut never
 *  looks whole. */
export function relay(a: Socket, b: Socket, options: RelayOptions): RelayHandle {
  return new Relay(a, b, options);
}

/** Destroys a socket so that its peer can't take what it received for the whole: by RST, or for TLS without close_notify. Where
 *  everything was sent and the FIN is on its way nothing is left to cut, and the socket is closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // While the FIN is under way a reset fails (uv_tcp_close_reset: EINVAL), and the descriptor would stay open for ever.
  const isWhole = socket.writableEnded && socket.writableLength === 0;
  if (isWhole || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

class Relay implements RelayHandle {
  readonly #forth: Direction;
  readonly #back: Direction;
  readonly #a: Socket;
  readonly #b: Socket;
  readonly #onEnd: (outcome: RelayOutcome) => void;
  readonly #idle: NodeJS.Timeout;
  #over = false;

  constructor(a: Socket, b: Socket, options: RelayOptions) {
    this.#a = a;
    this.#b = b;
    this.#onEnd = options.onEnd;
    this.#idle = setTimeout(() => this.#finish('idle', null), options.idleMs);
    const { observer = null } = options;
    this.#forth = new Direction(a, b, { idle: this.#idle, observer, side: 'a' });
    this.#back = new Direction(b, a, { idle: this.#idle, observer, side: 'b' });
    a.on('error', () => this.#lost('a')).on('close', () => this.#lost('a'));
    b.on('error', () => this.#lost('b')).on('close', () => this.#lost('b'));
    // What ended before the relay began emits nothing more.
    if (a.destroyed) queueMicrotask(() => this.#lost('a'));
    else if (b.destroyed) queueMicrotask(() => this.#lost('b'));
    this.#forth.start(options.earlyA);
    this.#back.start(options.earlyB);
  }

  get bytesAtoB(): number {
    return this.#forth.bytes;
  }

  get bytesBtoA(): number {
    return this.#back.bytes;
  }

  cut(): void {
    this.#finish('cut', null);
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
    resetSocket(this.#a);
    resetSocket(this.#b);
    this.#onEnd({ bytesAtoB: this.bytesAtoB, bytesBtoA: this.bytesBtoA, ended, by });
  }
}

/** One way through a relay. The listeners stay on: after the end the sockets are destroyed and call none. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #idle: NodeJS.Timeout;
  readonly #observer: RelayObserver | null;
  readonly #side: 'a' | 'b';
  /** Whether the observer wants more octets of this side. */
  #watched: boolean;
  bytes = 0;
  /** The sender's FIN has come. */
  ended = false;

  constructor(
    from: Socket,
    to: Socket,
    { idle, observer, side }: { idle: NodeJS.Timeout; observer: RelayObserver | null; side: 'a' | 'b' },
  ) {
    this.#from = from;
    this.#to = to;
    this.#idle = idle;
    this.#observer = observer;
    this.#side = side;
    this.#watched = observer !== null;
  }

  start(early: Buffer | undefined): void {
    this.#from.on('data', this.#pass).on('end', this.#end);
    this.#to.on('drain', this.#drained);
    this.#from.resume();
    if (early !== undefined && early.length > 0) this.#pass(early);
    if (this.#from.readableEnded) this.#end();
  }

  readonly #pass = (chunk: Buffer): void => {
    this.bytes += chunk.length;
    this.#idle.refresh();
    if (this.#watched) this.#watched = this.#observer?.chunk(this.#side, chunk) === true;
    if (!this.#to.write(chunk)) this.#from.pause();
  };

  readonly #drained = (): void => {
    this.#idle.refresh();
    this.#from.resume();
  };

  readonly #end = (): void => {
    this.ended = true;
    this.#observer?.end(this.#side);
    this.#to.end();
  };
}
