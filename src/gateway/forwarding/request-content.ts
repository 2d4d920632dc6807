import type { Fault } from '../../protocol/decoded.ts';
import type { Fields } from '../../protocol/fields.ts';
import type { Framing, RequestHead } from '../../protocol/http-message.ts';
import type { HttpConnection } from '../../transport/http-connection.ts';
import { addPiece } from '../../transport/pieces.ts';
import type { ContentFlow } from '../limits/content-flow.ts';

/** Content that is read and thrown away so that a connection can go on after an answer that didn't need it. */
const DISCARD_BYTES = 256 * 1024;

/** Where request content goes: one attempt's connection to an exit. */
export interface ContentSink {
  /** False asks to wait for resume(). */
  write(chunk: Buffer): boolean;
  end(trailers: Fields): void;
  /** Nothing will pass for so long, in ms, because its pace holds it back here. */
  held?(waitMs: number): void;
}

/** The content of one request, read from the client only as fast as an exit takes it, and kept whole up to a bound so that a
 *  later attempt can send it again. Nothing is read before the first exit is ready: until then every attempt starts afresh. */
export class RequestContent {
  readonly framing: Framing;
  readonly #connection: HttpConnection<RequestHead>;
  readonly #keepBytes: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #overflowed = false;
  #begun = false;
  #trailers: Fields | null = null;
  #sink: ContentSink | null = null;
  /** What ended the content before its end. */
  #fault: Fault | null = null;
  #onFault: (fault: Fault) => void;
  bytes = 0;
  /** The sink takes no more for now. */
  #full = false;
  #flow: ContentFlow | null = null;

  /** `onFault` is told once if the content turns out to be none, or is cut. */
  constructor(
    connection: HttpConnection<RequestHead>,
    options: { framing: Framing; keepBytes: number; onFault: (fault: Fault) => void },
  ) {
    this.#connection = connection;
    this.framing = options.framing;
    this.#keepBytes = options.keepBytes;
    this.#overflowed = options.keepBytes === 0;
    this.#onFault = options.onFault;
  }

  /** Whether all of it has been read from the client. */
  get complete(): boolean {
    return this.#trailers !== null || this.isEmpty;
  }

  get isEmpty(): boolean {
    return this.framing.type === 'none' || (this.framing.type === 'length' && this.framing.octets === 0);
  }

  /** Whether the next request can be found behind it: it was read, or what is owed is little enough to discard, and sure to
   *  come. A client that waited for 100 and got its answer instead may send its content or not (RFC 9110 §10.1.1). */
  passable(expectsContinue: boolean): boolean {
    if (this.complete) return true;
    if (expectsContinue && this.bytes === 0) return false;
    return this.framing.type === 'length' && this.framing.octets - this.bytes <= DISCARD_BYTES;
  }

  /** Whether all that was read is still here, so that another exit can be sent the same. */
  get replayable(): boolean {
    return this.#fault === null && (this.bytes === 0 || !this.#overflowed);
  }

  /** Whether it is sure to be so, however much of it was sent. */
  get staysReplayable(): boolean {
    if (this.complete) return this.replayable;
    return this.framing.type === 'length' && this.framing.octets <= this.#keepBytes;
  }

  /** Sends it to `sink`: first what was kept, then what the client goes on to send. */
  sendTo(sink: ContentSink): void {
    this.#sink = sink;
    let flowing = true;
    for (const chunk of this.#kept) flowing = sink.write(chunk);
    if (this.isEmpty) return;
    if (this.#trailers !== null) {
      sink.end(this.#trailers);
      return;
    }
    this.#full = !flowing;
    this.#settle();
    if (this.#begun) return;
    this.#begun = true;
    this.#connection.readContent(this.framing);
  }

  /** The sink takes more. */
  resume(): void {
    this.#full = false;
    this.#settle();
  }

  /** Paces what is still to come of it by what `flowOf` makes, which tells how long it holds that back: for each attempt, since another
   *  pool may have another limit. */
  pace(flowOf: (onWait: (waitMs: number) => void) => ContentFlow | null): void {
    if (this.complete) return;
    this.#flow?.end();
    this.#flow = flowOf((waitMs) => this.#sink?.held?.(waitMs));
    this.#connection.gate = this.#flow;
  }

  #settle(): void {
    if (this.#full) this.#connection.pause();
    else if (!this.complete && this.#sink !== null) this.#connection.resume();
  }

  /** The attempt is over, and its pace with it; the client waits for the next. */
  stop(): void {
    this.#sink = null;
    if (this.#begun && !this.complete) this.#connection.pause();
    this.#endPace();
  }

  /** Reads the rest and throws it away, so that the next request can be found behind it. Resolves to false where the rest is
   *  too much or faulty: then the connection must be closed. */
  discard(): Promise<boolean> {
    if (this.complete) return Promise.resolve(true);
    if (this.#fault !== null) return Promise.resolve(false);
    if (this.framing.type === 'length' && this.framing.octets - this.bytes > DISCARD_BYTES)
      return Promise.resolve(false);
    this.#kept = [];
    this.#overflowed = true;
    return new Promise((resolve) => {
      let left = DISCARD_BYTES;
      this.#onFault = () => resolve(false);
      const sink: ContentSink = {
        write: (chunk) => {
          left -= chunk.length;
          if (left < 0) resolve(false);
          return true;
        },
        end: () => resolve(true),
      };
      this.sendTo(sink);
    });
  }

  /** The client's connection delivers here. */
  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (!this.#overflowed) this.#keep(chunk);
    if (this.#sink !== null && !this.#sink.write(chunk)) {
      this.#full = true;
      this.#connection.pause();
    }
    this.#flow?.passed(chunk.length);
  }

  finish(trailers: Fields): void {
    this.#trailers = trailers;
    this.#endPace();
    // Nothing is left to hold back, and whoever took the last of it may be gone before it asks for more.
    this.#connection.resume();
    this.#sink?.end(trailers);
  }

  fail(fault: Fault): void {
    if (this.complete || this.#fault !== null) return;
    this.#fault = fault;
    this.#endPace();
    this.#onFault(fault);
  }

  #endPace(): void {
    if (this.#flow === null) return;
    this.#flow.end();
    this.#flow = null;
    this.#connection.gate = null;
  }

  #keep(chunk: Buffer): void {
    this.#keptBytes += chunk.length;
    if (this.#keptBytes <= this.#keepBytes) {
      addPiece(this.#kept, chunk);
      return;
    }
    this.#kept = [];
    this.#overflowed = true;
  }
}
