import { Buffer } from 'node:buffer';
import type { Fault } from './decoded.ts';
import { Fields } from './fields.ts';
import { ChunkedDecoder } from './http-chunked.ts';
import { defaultHeadLimits } from './http-head.ts';
import type { Framing, HeadLimits } from './http-message.ts';
import { asResponseFault } from './http-syntax.ts';

const nothing = Buffer.alloc(0);

/** Of content that isn't chunked; nobody appends to it. */
const noTrailers = new Fields();

/** Decodes the content of one message, framed as its plan says. Faults: bad_request and head_too_large (431, trailers) for a
 *  request; origin_bad_response for a response. `limits` are those of the trailers. */
export class ContentDecoder {
  readonly #role: 'request' | 'response';
  readonly #chunked: ChunkedDecoder | null;
  /** Octets still to come where the content is not chunked; Infinity until the connection closes. */
  #left: number;
  /** Once done, the octets behind the message. */
  rest: Buffer = nothing;
  /** Once done, the trailer fields that may be passed on. */
  readonly trailers: Fields;

  constructor(framing: Framing, role: 'request' | 'response', limits: HeadLimits = defaultHeadLimits) {
    this.#role = role;
    this.#chunked = framing.type === 'chunked' ? new ChunkedDecoder(role, limits) : null;
    this.#left = framing.type === 'length' ? framing.octets : framing.type === 'close' ? Number.POSITIVE_INFINITY : 0;
    this.trailers = this.#chunked?.trailers ?? noTrailers;
  }

  /** Whether the content is complete; at once where there is none, before any push. */
  get done(): boolean {
    return this.#chunked === null ? this.#left === 0 : this.#chunked.done;
  }

  /** Takes octets and appends those of the content to `out`, as slices of `chunk`, not copied. Slices of a chunk that turns
   *  out faulty precede the fault. After a fault the decoder must not be used again. */
  push(chunk: Buffer, out: Buffer[]): 'more' | 'done' | Fault {
    if (this.#chunked !== null) return this.#pushChunked(this.#chunked, chunk, out);
    const end = Math.min(chunk.length, this.#left);
    const whole = end === chunk.length;
    if (end > 0) out.push(whole ? chunk : chunk.subarray(0, end));
    this.#left -= end;
    if (this.#left > 0) return 'more';
    this.rest = whole ? nothing : chunk.subarray(end);
    return 'done';
  }

  /** What it means that the connection closes now: null where the content is complete by it or already, otherwise a fault,
   *  for the content was cut. */
  atClose(): Fault | null {
    if (this.done || this.#left === Number.POSITIVE_INFINITY) return null;
    return this.#blamed({ kind: 'bad_request', detail: 'the connection closed before the content was complete' });
  }

  #pushChunked(chunked: ChunkedDecoder, chunk: Buffer, out: Buffer[]): 'more' | 'done' | Fault {
    const state = chunked.push(chunk, out);
    if (state === 'done') this.rest = chunked.rest;
    return typeof state === 'string' ? state : this.#blamed(state);
  }

  #blamed(fault: Fault): Fault {
    return this.#role === 'request' ? fault : asResponseFault(fault);
  }
}

/** What precedes a chunk of `octets` octets, at least 1 (RFC 9112 §7.1); CRLF follows the chunk. */
export function chunkHead(octets: number): string {
  return `${octets.toString(16)}\r\n`;
}

/** What ends chunked content: the last chunk and the trailer section. `trailers` are written as they are. */
export function lastChunk(trailers?: Fields): string {
  let text = '0\r\n';
  if (trailers !== undefined) {
    for (const [i, name] of trailers.names.entries()) text += `${name}: ${trailers.values[i] ?? ''}\r\n`;
  }
  return `${text}\r\n`;
}
