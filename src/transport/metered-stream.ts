import { Duplex } from 'node:stream';
import type { Socket } from './socket.ts';

/** What one connection may cost, in octets of its TCP content: all that is above TCP counts, handshakes and TLS records too. */
export interface Allowance {
  readonly sent: number;
  readonly received: number;
}

/** What may come beyond `received` until the peer is cut off: one read of the runtime, and what the peer could send into the
 *  window that the system had opened to it (both 64 KiB as long as so little is read). */
const BEYOND_ALLOWANCE = 128 * 1024;

/** The most that a connection with this allowance can cost, as its peer counts. */
export function worstCost({ sent, received }: Allowance): number {
  return sent + received + BEYOND_ALLOWANCE;
}

/** A connection that counts every octet, and is cut when it has cost what it may. Its owner ends it with `settle`. */
export class MeteredStream extends Duplex {
  readonly #raw: Socket;
  readonly #allowance: Allowance;
  #sent = 0;
  #settling = false;
  #exceeded = false;
  /** Something may have come that was never read. */
  #uncertain = false;
  #peerEnded = false;

  /** Takes `raw` over, a connected socket from which nothing was read. */
  constructor(raw: Socket, allowance: Allowance) {
    super({ allowHalfOpen: true });
    this.#raw = raw;
    this.#allowance = allowance;
    // Whoever waits hears of it by `error` and `close` of its own; once nobody waits any more nobody needs to.
    this.on('error', () => {});
    raw.on('data', this.#onData);
    raw.once('end', this.#onEnd);
    raw.once('error', (cause: NodeJS.ErrnoException) => {
      // A failed write ends the reading too, whatever waits to be read; a failed read comes behind all that there was.
      if (cause.syscall !== 'read') this.#uncertain = true;
      this.destroy(cause);
    });
    raw.once('close', () => this.destroy());
    raw.pause();
    if (raw.destroyed) this.destroy();
  }

  get sent(): number {
    return this.#sent;
  }

  get received(): number {
    return this.#raw.bytesRead;
  }

  /** Whether it was cut because it had cost all it may. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** What to book: what was counted, or all that may have come where it was cut or ended with something unread. */
  get cost(): number {
    const counted = this.#sent + this.received;
    return this.#exceeded || this.#uncertain ? Math.max(counted, worstCost(this.#allowance)) : counted;
  }

  /** Says goodbye, and counts what the peer still sends until it does so too, `lingerMs` at most; then all is closed. A peer that
   *  sends on until then costs all that it may have sent; what it sends in the very instant of the close, after a silence that
   *  long, is not counted. */
  async settle(lingerMs: number): Promise<void> {
    const raw = this.#raw;
    this.#settling = true;
    if (!raw.destroyed && !this.#peerEnded) {
      await new Promise<void>((resolve) => {
        const before = this.received;
        const late = () => {
          if (this.received > before) this.#uncertain = true;
          resolve();
        };
        // Timers of a busy loop run before its reads: one round more, so that what waits is seen.
        const timer = setTimeout(() => setImmediate(() => setImmediate(late)), lingerMs);
        const over = () => {
          clearTimeout(timer);
          resolve();
        };
        raw.once('end', over).once('close', over).resume();
        raw.end();
      });
    }
    raw.destroy();
    this.destroy();
  }

  override _read(): void {
    if (!this.#raw.destroyed) this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (cause?: Error | null) => void): void {
    // TLS answers a goodbye that nobody waits for any more.
    if (this.#settling) return done();
    if (this.#sent + chunk.length > this.#allowance.sent) {
      this.#cut();
      return done(new Error('the connection would cost more than it may'));
    }
    this.#sent += chunk.length;
    if (this.#raw.write(chunk)) done();
    else this.#raw.once('drain', done);
  }

  override _final(done: (cause?: Error | null) => void): void {
    if (this.#raw.destroyed || this.#settling) return done();
    this.#raw.once('finish', done).end();
  }

  /** Whoever reads may give up (TLS does, at what is none), but what has come by then counts: the connection ends by `settle`. */
  override _destroy(cause: Error | null, done: (cause: Error | null) => void): void {
    if (!this.#settling) this.#raw.pause();
    done(cause);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#settling && !this.destroyed && !this.push(chunk)) this.#raw.pause();
    if (this.received > this.#allowance.received) this.#cut();
  };

  readonly #onEnd = (): void => {
    this.#peerEnded = true;
    if (!this.#settling && !this.destroyed) this.push(null);
  };

  #cut(): void {
    this.#exceeded = true;
    this.#raw.resetAndDestroy();
    this.destroy(new Error('the connection cost more than it may'));
  }
}
