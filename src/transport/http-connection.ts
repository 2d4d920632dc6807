import { Buffer } from 'node:buffer';
import type { Decoded, Fault } from '../protocol/decoded.ts';
import type { Fields } from '../protocol/fields.ts';
import { ContentDecoder } from '../protocol/http-content.ts';
import type { Framing } from '../protocol/http-message.ts';
import { Pieces } from './pieces.ts';
import type { Socket } from './socket.ts';

/** Octets of the next messages that are kept while nobody reads; beyond it the socket is paused, and the peer waits. */
const HOLD_LIMIT = 64 * 1024;

const NOTHING = Buffer.alloc(0);

/** What one side of an HTTP/1.1 connection tells its owner. Each is called at most once for each head or content asked for,
 *  `content` as often as octets come. After `fault`, `ended` or `closed` nothing more is decoded. */
export interface ConnectionEvents<H> {
  /** The first octets of a head that readHead() asked for have come, but not all of it. */
  headBegun(): void;
  /** A head that readHead() asked for. */
  head(head: H): void;
  /** Content octets that readContent() asked for. */
  content(chunk: Buffer): void;
  /** The content is complete. */
  contentEnd(trailers: Fields): void;
  /** The octets are no HTTP message; the connection can't be read any further. */
  fault(fault: Fault, phase: 'head' | 'content'): void;
  /** The peer has sent its FIN: `midway` where that cuts a head or content that was being read. */
  ended(midway: boolean): void;
  /** The socket is gone; `error` where it was reset. */
  closed(error: Error | null): void;
}

/** A decoder of heads; see protocol/http-head.ts. */
export interface HeadDecoder<H> {
  push(chunk: Buffer): Decoded<H>;
  readonly pending: boolean;
}

/** Decides how much of a content may pass. */
export interface ContentGate {
  /** How many of these octets may pass now, from the first on. 0: none; `open` is called when some may, and then it is asked again. */
  pass(octets: number, open: () => void): number;
  /** These pass whatever it says: their connection is gone, and nobody can be made to wait. */
  force(octets: number): void;
}

/** One HTTP/1.1 connection as its reader sees it, in either role. It turns octets into heads and content on demand, and keeps
 *  what comes meanwhile, so that pipelined messages are read one after the other. It writes nothing and sets no deadline: its
 *  owner does. It keeps reading while nothing is asked for (up to a bound), because only a reader learns that a peer has gone. */
export class HttpConnection<H> {
  readonly socket: Socket;
  readonly #decoder: HeadDecoder<H>;
  readonly #role: 'request' | 'response';
  #events: ConnectionEvents<H>;
  #content: ContentDecoder | null = null;
  #reading: 'nothing' | 'head' | 'content' = 'nothing';
  readonly #held = new Pieces();
  #finished = false;
  /** The peer has sent its FIN. */
  #hasEnded = false;
  #paused = false;
  #gate: ContentGate | null = null;
  /** The gate lets nothing pass for now. */
  #gated = false;
  #draining = false;
  /** The connection is gone, and nobody's pause holds back what came over it. */
  #letsOut = false;
  #error: Error | null = null;

  constructor(
    socket: Socket,
    options: { decoder: HeadDecoder<H>; role: 'request' | 'response'; events: ConnectionEvents<H> },
  ) {
    this.socket = socket;
    this.#decoder = options.decoder;
    this.#role = options.role;
    this.#events = options.events;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Hands the connection to another owner, at a message boundary (a kept connection to an exit). */
  set events(events: ConnectionEvents<H>) {
    this.#events = events;
  }

  /** True where octets wait that belong to no message asked for: pipelined requests, or a surplus behind a response. */
  get hasSurplus(): boolean {
    return this.#held.octets > 0 || this.#decoder.pending;
  }

  /** True once the peer has sent its FIN. */
  get peerEnded(): boolean {
    return this.#finished;
  }

  /** Whether a head was asked for and has not come. */
  get awaitsHead(): boolean {
    return this.#reading === 'head';
  }

  /** Begins to read a head; events.head or events.fault follows, perhaps before this returns. */
  readHead(): void {
    this.#reading = 'head';
    this.#drain();
  }

  /** Begins to read content framed so; events.content and events.contentEnd follow, perhaps before this returns. */
  readContent(framing: Framing): void {
    this.#content = new ContentDecoder(framing, this.#role);
    this.#reading = 'content';
    this.#drain();
  }

  /** Content passes as this lets it from now on; null for as it comes. What waits is held back at the peer, but for one read; what
   *  waited for another gate asks this one. */
  set gate(gate: ContentGate | null) {
    const isAnother = gate !== this.#gate;
    this.#gate = gate;
    if (isAnother && this.#gated) this.#open();
  }

  /** Takes octets that were read from the socket before this connection was made. */
  feed(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#held.push(octets);
    this.#drain();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#drain();
  }

  /** Gives the socket away, as for a tunnel: no listener of ours stays on it, and the octets already read are returned. The
   *  caller must have put its own `error` listener on. */
  detach(): Buffer {
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onEnd);
    this.socket.off('error', this.#onError);
    this.socket.off('close', this.#onClose);
    this.socket.pause();
    return this.#held.shiftAll();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#held.push(chunk);
    this.#drain();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#finished = true;
    if (this.#held.octets === 0) this.#finish();
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    this.#finished = true;
    // A peer that resets behind its last octet has sent all of it.
    if (this.#error !== null && this.#held.octets > 0) this.#letOut();
    this.#events.closed(this.#error);
  };

  /** Tells what is held, whoever would rather wait for it: that is little, and there is no peer left to be held back. */
  #letOut(): void {
    this.#gate?.force(this.#held.octets);
    this.#gate = null;
    this.#gated = false;
    this.#letsOut = true;
    this.#drain();
  }

  /** Feeds what is held to whoever reads, as long as somebody does. Not re-entered: an event that asks for more is served by
   *  the loop that raised it. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      this.#decode();
    } finally {
      this.#draining = false;
    }
    // Whoever is let out is told of a reset behind it, and of no end but one that had come before.
    const isAtEnd = this.#finished && (this.#hasEnded || !this.#letsOut) && this.#held.octets === 0;
    if (isAtEnd && this.#reading !== 'nothing') this.#finish();
    this.#flow();
  }

  #decode(): void {
    while (this.#reading !== 'nothing' && (this.#letsOut || !this.#paused) && !this.#gated) {
      const chunk = this.#reading === 'content' ? this.#shiftThroughGate() : this.#held.shift();
      if (chunk === undefined) {
        if (this.#gated) break;
        // Content of length 0 is complete before its first octet.
        if (this.#reading !== 'content' || !this.#decodeContent(NOTHING)) break;
        continue;
      }
      if (this.#reading === 'head') this.#decodeHead(chunk);
      else this.#decodeContent(chunk);
    }
  }

  /** Of what is held the first piece that may pass. */
  #shiftThroughGate(): Buffer | undefined {
    const chunk = this.#held.first;
    if (this.#gate === null || chunk === undefined || chunk.length === 0) return this.#held.shift();
    const octets = this.#gate.pass(chunk.length, this.#open);
    if (octets >= chunk.length) return this.#held.shift();
    if (octets > 0) return this.#held.shiftPart(octets);
    this.#gated = true;
    this.socket.pause();
    return undefined;
  }

  readonly #open = (): void => {
    this.#gated = false;
    this.#drain();
  };

  /** Lets the socket flow unless its owner paused it or too much is held. */
  #flow(): void {
    if (this.#paused || this.#gated || this.socket.destroyed) return;
    const full = this.#reading === 'nothing' && this.#held.octets >= HOLD_LIMIT;
    if (full === this.socket.isPaused()) return;
    if (full) this.socket.pause();
    else this.socket.resume();
  }

  #decodeHead(chunk: Buffer): void {
    const begun = this.#decoder.pending;
    const result = this.#decoder.push(chunk);
    if (result.state === 'more') {
      if (!begun && this.#decoder.pending) this.#events.headBegun();
      return;
    }
    this.#reading = 'nothing';
    if (result.state === 'error') {
      this.#events.fault(result.fault, 'head');
      return;
    }
    this.#putBack(result.rest);
    this.#events.head(result.value);
  }

  /** True while decoding may go on. */
  #decodeContent(chunk: Buffer): boolean {
    const content = this.#content;
    if (content === null) return false;
    const slices: Buffer[] = [];
    const state = content.push(chunk, slices);
    if (state !== 'more') this.#reading = 'nothing';
    if (state === 'done') this.#putBack(content.rest);
    // As one, however small its chunks: a million of them would be a million writes, each held while the receiver stalls.
    const [first] = slices;
    if (first !== undefined) this.#events.content(slices.length === 1 ? first : Buffer.concat(slices));
    if (state === 'more') return chunk.length > 0;
    this.#content = null;
    if (state === 'done') this.#events.contentEnd(content.trailers);
    else this.#events.fault(state, 'content');
    return true;
  }

  #putBack(rest: Buffer): void {
    if (rest.length > 0) this.#held.unshift(rest);
  }

  #finish(): void {
    const reading = this.#reading;
    this.#reading = 'nothing';
    if (reading === 'content' && this.#content !== null) {
      const content = this.#content;
      this.#content = null;
      if (content.atClose() === null && this.#hasEnded) this.#events.contentEnd(content.trailers);
      else this.#events.ended(true);
      return;
    }
    this.#events.ended(reading === 'head' && this.#decoder.pending);
  }
}
