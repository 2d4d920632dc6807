import { Buffer } from 'node:buffer';
import type { BookingBatch, BookingKey, LoggedLines } from './booking.ts';

/** What one line of the log of exchanges tells. Whole numbers from 0 on. */
export interface LoggedLine {
  /** 32 hexadecimal digits; see data-plane/request-ids.ts. */
  readonly id: string;
  /** Wall clock in ms. */
  readonly time: number;
  readonly ms: number;
  /** Octets, of all attempts together where the line is an exchange's. */
  readonly sent: number;
  readonly received: number;
  /** Of the exchange; 0 on the line of an attempt. */
  readonly attempts: number;
  /** Why it ended so, where that is known; see Exchange.why. */
  readonly why?: string | null;
}

/** A line of the log of exchanges with whom it was booked to. */
export type LogEntry = BookingKey & LoggedLine;

const ID_OCTETS = 16;

/** Room that any line finds: six numbers of at most eight octets beside its id. */
const MOST_OCTETS = 64;

/** Lines of a batch that may say why: a flood of refusals would be texts above all. */
const MOST_WHYS = 256;

/** Numbers that shifts work on. */
const MOST_SHIFTED = 2 ** 31 - 1;

/** Lines of the log that wait to be posted, written one behind the other into the same memory: nothing is made for one. */
export class LineBuffer {
  readonly #octets: Uint8Array<ArrayBuffer>;
  #at = 0;
  #count = 0;
  #since = 0;
  #whys: Record<number, string> = {};
  #whyCount = 0;

  constructor(bytes: number) {
    this.#octets = new Uint8Array(bytes);
  }

  /** Another line may find no room. */
  get isFull(): boolean {
    return this.#at + MOST_OCTETS > this.#octets.length;
  }

  /** Writes a line of the booking with this index; false where there is no room for it. */
  add(booking: number, { id, time, ms, sent, received, attempts, why }: LoggedLine): boolean {
    if (this.isFull) return false;
    if (why != null && this.#whyCount < MOST_WHYS) {
      this.#whys[this.#count] = why;
      this.#whyCount += 1;
    }
    if (this.#count === 0) this.#since = time;
    const octets = this.#octets;
    let at = this.#at;
    for (let digit = 0; digit < 2 * ID_OCTETS; digit += 2)
      octets[at++] = (digitOf(id.charCodeAt(digit)) << 4) | digitOf(id.charCodeAt(digit + 1));
    at = put(octets, at, booking);
    // A clock that was put back meanwhile: those lines have the time of the first.
    at = put(octets, at, Math.max(0, time - this.#since));
    at = put(octets, at, Math.round(ms));
    at = put(octets, at, sent);
    at = put(octets, at, received);
    this.#at = put(octets, at, attempts);
    this.#count += 1;
    return true;
  }

  /** Hands over what there is, in memory of its own, and begins anew. */
  take(): LoggedLines {
    const octets = this.#octets.slice(0, this.#at);
    const lines = { count: this.#count, since: this.#since, octets, whys: this.#whys };
    this.#at = 0;
    this.#count = 0;
    this.#whys = {};
    this.#whyCount = 0;
    return lines;
  }
}

/** That of a hexadecimal digit, in lower or upper case. */
const digitOf = (code: number): number => (code & 15) + (code >> 6) * 9;

/** Writes a number; returns where it ends. */
function put(octets: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > MOST_SHIFTED; rest = Math.floor(rest / 128)) octets[at++] = (rest % 128) | 128;
  for (; rest > 127; rest >>= 7) octets[at++] = rest | 128;
  octets[at++] = rest;
  return at;
}

/** Whom the lines of a batch were booked to, as a text that parseLog() reads: each key stands once. And why some ended so. */
export function logHead({ bookings, lines }: BookingBatch): string {
  const keys = bookings.map(({ client, tag, site, pool, country, kind }): BookingKey => {
    return { client, tag, site, pool, country, kind };
  });
  return JSON.stringify({ since: lines.since, keys, whys: lines.whys });
}

/** What the log holds of one batch. */
export interface LogRow {
  /** See logHead(). Empty where the content is a text. */
  readonly head: string;
  /** LoggedLines' octets; a text where a former version wrote it. */
  readonly content: Uint8Array | string;
}

/** The entries of a batch, the oldest first. */
export function parseLog({ head, content }: LogRow): LogEntry[] {
  if (typeof content === 'string') return parseText(content);
  // Former versions wrote no whys.
  const {
    since,
    keys,
    whys = {},
  }: Pick<LoggedLines, 'since'> & { keys: BookingKey[]; whys?: LoggedLines['whys'] } = JSON.parse(head);
  const reader = new NumberReader(content);
  const entries: LogEntry[] = [];
  for (let index = 0; !reader.isAtEnd; index++) {
    const id = reader.hex(ID_OCTETS);
    const key = keys[reader.next()];
    const time = since + reader.next();
    const [ms, sent, received, attempts] = [reader.next(), reader.next(), reader.next(), reader.next()];
    const line = { id, time, ms, sent, received, attempts };
    const why = whys[index];
    if (key !== undefined) entries.push(why === undefined ? { ...key, ...line } : { ...key, ...line, why });
  }
  return entries;
}

class NumberReader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  hex(octets: number): string {
    this.#at += octets;
    return Buffer.from(this.#octets.subarray(this.#at - octets, this.#at)).toString('hex');
  }

  next(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const octet = this.#octets[this.#at++] ?? 0;
      value += (octet & 127) * unit;
      if (octet < 128) return value;
    }
  }
}

type TextLine = readonly [
  booking: number,
  id: string,
  time: number,
  ms: number,
  sent: number,
  received: number,
  attempts: number,
];

/** As lines stood in ledgers of version 2. */
function parseText(content: string): LogEntry[] {
  const { keys, lines }: { keys: BookingKey[]; lines: TextLine[] } = JSON.parse(content);
  return lines.flatMap(([booking, id, time, ms, sent, received, attempts]) => {
    const key = keys[booking];
    return key === undefined ? [] : [{ ...key, id, time, ms, sent, received, attempts }];
  });
}
