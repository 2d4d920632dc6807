import type { Buffer } from 'node:buffer';
import { ClientHelloDecoder } from '../protocol/tls-hello.ts';

/** TLS content types (RFC 8446 §5.1) that a tunnel's first record may have; `none` stands for what is no TLS. */
export const RecordType = Object.freeze({ none: 0, alert: 21, handshake: 22 });

/** The first of what one side of a tunnel sent, in numbers alone, so that whoever moves the octets can tell it. */
export interface FirstRecord {
  /** When it came, in ms since the tunnel began; -1 where nothing ever came. */
  readonly firstAtMs: number;
  /** Its TLS content type; 0 where it is no TLS record, or not a whole head of one. */
  readonly firstType: number;
  /** The record's length as its head says; of what is no TLS, how much came at once. */
  readonly firstLength: number;
}

/** All that a tunnel shows from outside. */
export interface TunnelFacts {
  readonly client: FirstRecord;
  readonly origin: FirstRecord;
  readonly clientBytes: number;
  readonly originBytes: number;
  readonly durationMs: number;
  /** As the relay tells it; `by` is the side that was reset. */
  readonly ended: 'closed' | 'reset' | 'idle' | 'cut';
  readonly by: 'client' | 'origin' | null;
  /** Whose FIN came first; null where none came. */
  readonly closedFirst: 'client' | 'origin' | null;
  /** The name in the client's ClientHello, where it was asked for and found. */
  readonly serverName: string | null;
}

/** What a relay saw itself of the beginning of both sides, and whose FIN came first. */
export interface RelayBeginning {
  readonly a: FirstRecord;
  readonly b: FirstRecord;
  readonly closedFirst: 'a' | 'b' | null;
}

/** How a relay ended: side `a` is the client's, side `b` the exit's. */
export interface RelayEnd {
  readonly bytesAtoB: number;
  readonly bytesBtoA: number;
  readonly ended: TunnelFacts['ended'];
  readonly by: 'a' | 'b' | null;
  /** From a relay that shows nobody its octets. */
  readonly beginning?: RelayBeginning;
}

/** Gathers a tunnel's facts from the chunks that a relay moves. It keeps a few octets of each side, no content; where the name is
 *  asked for, the ClientHello while it is incomplete. */
export class TunnelSignals {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #client = new FirstOctets();
  readonly #origin = new FirstOctets();
  #hello: ClientHelloDecoder | null;
  #serverName: string | null = null;
  #closedFirst: 'a' | 'b' | null = null;

  /** `wantsName`: the authority is an address, so that only the client's TLS tells the site. */
  constructor({ now, wantsName }: { readonly now: () => number; readonly wantsName: boolean }) {
    this.#now = now;
    this.#startedAt = now();
    this.#hello = wantsName ? new ClientHelloDecoder() : null;
  }

  /** Sees octets that a side sent, in order. False: it has seen enough of that side. */
  chunk(from: 'a' | 'b', octets: Buffer): boolean {
    const atMs = this.#now() - this.#startedAt;
    if (from === 'b') return this.#origin.take(octets, atMs);
    const wantsHead = this.#client.take(octets, atMs);
    this.#readName(octets);
    return wantsHead || this.#hello !== null;
  }

  /** A side's FIN has come. */
  end(from: 'a' | 'b'): void {
    this.#closedFirst ??= from;
  }

  /** All facts, at the end. */
  facts(end: RelayEnd): TunnelFacts {
    const { a, b, closedFirst } = end.beginning ?? this.#beginning();
    return {
      client: a,
      origin: b,
      clientBytes: end.bytesAtoB,
      originBytes: end.bytesBtoA,
      durationMs: this.#now() - this.#startedAt,
      ended: end.ended,
      by: partyOf(end.by),
      closedFirst: partyOf(closedFirst),
      serverName: this.#serverName,
    };
  }

  #beginning(): RelayBeginning {
    return { a: this.#client.record(), b: this.#origin.record(), closedFirst: this.#closedFirst };
  }

  #readName(octets: Buffer): void {
    const hello = this.#hello?.push(octets);
    if (hello === undefined || hello.state === 'more') return;
    this.#hello = null;
    if (hello.state === 'value') this.#serverName = hello.value.serverName;
  }
}

function partyOf(side: 'a' | 'b' | null): 'client' | 'origin' | null {
  if (side === null) return null;
  return side === 'a' ? 'client' : 'origin';
}

/** Type, version and length (RFC 8446 §5.1). */
const RECORD_HEAD = 5;
/** Greatest length of a TLSCiphertext (§5.2), which includes older ones with less to spare. */
const LONGEST_RECORD = 2 ** 14 + 256;

/** The first five octets of one side. */
class FirstOctets {
  readonly #head = new Uint8Array(RECORD_HEAD);
  #size = 0;
  #atMs = -1;
  #chunkLength = 0;

  /** False: five octets are there. */
  take(octets: Buffer, atMs: number): boolean {
    if (octets.length === 0) return true;
    if (this.#size === 0) {
      this.#atMs = atMs;
      this.#chunkLength = octets.length;
    }
    const part = octets.subarray(0, RECORD_HEAD - this.#size);
    this.#head.set(part, this.#size);
    this.#size += part.length;
    return this.#size < RECORD_HEAD;
  }

  record(): FirstRecord {
    const [type = 0, major = 0, , high = 0, low = 0] = this.#head;
    const length = high * 256 + low;
    const isTls = this.#size === RECORD_HEAD && type >= 20 && type <= 23 && major === 3 && length <= LONGEST_RECORD;
    return isTls
      ? { firstAtMs: this.#atMs, firstType: type, firstLength: length }
      : { firstAtMs: this.#atMs, firstType: RecordType.none, firstLength: this.#chunkLength };
  }
}
