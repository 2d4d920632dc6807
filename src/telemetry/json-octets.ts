import { Buffer } from 'node:buffer';
import { writeWhole } from '../protocol/whole-octets.ts';

/** Longest text written of one value, in UTF-16 units; what was left off shows as an ellipsis. */
const LONGEST_TEXT = 2_048;

/** What stands between two texts takes no more octets than this. */
const BETWEEN_TEXTS = 512;

/** A UTF-16 unit takes no more octets than this, as an escape. */
const UNIT_OCTETS = 6;

/** Controls, format characters (bidirectional marks, zero width, tags) and the two line separators. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string) =>
  character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;

/** Room in memory of our own that is kept. */
const OWN_OCTETS = 4 * 1_024;

/** JSON put together octet by octet, straight into memory that is used again and again: a line of some fifty pieces, as a text,
 *  would leave an object for each of them and be copied twice. It is the caller's to write what is well-formed. */
export class JsonOctets {
  readonly #own = Buffer.allocUnsafeSlow(OWN_OCTETS);
  /** Where it began. */
  #place: Buffer<ArrayBufferLike> = this.#own;
  /** Where it goes on, up to `#end`. */
  #octets: Buffer<ArrayBufferLike> = this.#own;
  #start = 0;
  #at = 0;
  #end = OWN_OCTETS;

  /** Begins anew, in `place` from `start` on. Nothing is written at `end` and beyond: what may not fit goes on in other memory, with
   *  all that stands before it. */
  begin(place: Buffer<ArrayBufferLike>, start: number, end: number): this {
    this.#place = place;
    this.#octets = place;
    this.#start = start;
    this.#at = start;
    this.#end = end;
    this.#reserve(0);
    return this;
  }

  /** Whether all of it stands where it began. */
  get isInPlace(): boolean {
    return this.#octets === this.#place;
  }

  /** Octets that were written. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** They themselves, good until it begins anew. */
  get written(): Buffer<ArrayBufferLike> {
    return this.#octets.subarray(this.#start, this.#at);
  }

  /** ASCII as it stands. No more than 512 octets in a row without a text() between. */
  ascii(text: string): this {
    const octets = this.#octets;
    let at = this.#at;
    for (let i = 0; i < text.length; i++) octets[at++] = text.charCodeAt(i);
    this.#at = at;
    return this;
  }

  /** A string, bounded, every invisible character as an escape; or null. Nearly all are visible ASCII, which is copied as it is. */
  text(value: string | null): this {
    if (value === null) {
      this.#reserve(0);
      return this.ascii('null');
    }
    if (value.length > LONGEST_TEXT) return this.#escape(`${value.slice(0, LONGEST_TEXT)}…`);
    this.#reserve(value.length);
    const octets = this.#octets;
    let at = this.#at;
    octets[at++] = QUOTE;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return this.#escape(value);
      octets[at++] = code;
    }
    octets[at++] = QUOTE;
    this.#at = at;
    return this;
  }

  /** A whole number from 0 on; or null. */
  whole(value: number | null): this {
    if (value === null) return this.ascii('null');
    this.#at = writeWhole(this.#octets, this.#at, value);
    return this;
  }

  /** A duration from 0 on, to the microsecond. */
  ms(value: number): this {
    const us = Math.max(0, Math.round(value * 1_000));
    const rest = us % 1_000;
    this.whole((us - rest) / 1_000);
    if (rest === 0) return this;
    const octets = this.#octets;
    octets[this.#at++] = POINT;
    octets[this.#at++] = ZERO + Math.floor(rest / 100);
    octets[this.#at++] = ZERO + (Math.floor(rest / 10) % 10);
    octets[this.#at++] = ZERO + (rest % 10);
    return this;
  }

  #escape(value: string): this {
    const text = JSON.stringify(value).replace(invisible, escaped);
    this.#reserve(text.length);
    this.#at += this.#octets.write(text, this.#at, 'utf8');
    return this;
  }

  /** Makes sure of room for a text of so many UTF-16 units, and for what may stand behind it. */
  #reserve(units: number): void {
    const more = UNIT_OCTETS * units + BETWEEN_TEXTS;
    if (this.#at + more <= this.#end) return;
    const { length, written } = this;
    const isOwnFree = this.isInPlace && length + more <= OWN_OCTETS;
    const grown = isOwnFree ? this.#own : Buffer.allocUnsafeSlow(2 * (length + more));
    grown.set(written);
    this.#octets = grown;
    this.#start = 0;
    this.#at = length;
    this.#end = grown.length;
  }
}
