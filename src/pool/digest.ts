import { hash } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** The characters of base32 in one word of an id. */
const WORD_CHARACTERS = 5;

/** An exit's id as two words of 25 bits each. */
export interface IdWords {
  readonly high: number;
  readonly low: number;
}

/** A word of `length` (at most 32) characters, each any of `characters` (at most 65,536, uniform but for 2^-16), that depends on
 *  `parts` alone, which are kept apart. */
export function digestWord(parts: readonly string[], characters: string, length: number): string {
  let octets = hash('sha256', JSON.stringify(parts), 'binary');
  if (2 * length > octets.length) octets += hash('sha256', JSON.stringify([...parts, 'more']), 'binary');
  let word = '';
  for (let at = 0; word.length < length; at += 2) {
    const drawn = (octets.charCodeAt(at) << 8) | octets.charCodeAt(at + 1);
    word += characters.charAt((drawn * characters.length) >>> 16);
  }
  return word;
}

/** A number from 0 to `count` - 1 (count at most 2^24) that depends on `parts` alone, which are kept apart. */
export function digestNumber(parts: readonly string[], count: number): number {
  const octets = hash('sha256', JSON.stringify(parts), 'binary');
  return (wordAt(octets, 0) >>> 0) % count;
}

/** The id, 50 bits, that depends on `text` alone. */
export function idWordsOf(text: string): IdWords {
  const octets = hash('sha256', text, 'binary');
  const first = wordAt(octets, 0);
  const second = wordAt(octets, 3);
  // 25 bits, then those 25 that begin with the last bit of the fourth octet.
  return { high: first >>> 7, low: (second & 0x7fffffff) >>> 6 };
}

/** An id as it is written: ten characters of base32. */
export function idText(high: number, low: number): string {
  return wordText(high) + wordText(low);
}

/** The words of an id as it is written, in whatever case; null for a text that is none. */
export function parseId(text: string): IdWords | null {
  if (!/^[a-z2-7]{10}$/i.test(text)) return null;
  const id = text.toLowerCase();
  return { high: wordOf(id, 0), low: wordOf(id, WORD_CHARACTERS) };
}

/** The first and the last id of those that begin alike. */
export interface IdRange {
  readonly first: IdWords;
  readonly last: IdWords;
}

/** The ids that begin with `text` (case-insensitive); null where none can. */
export function idRange(text: string): IdRange | null {
  const room = 2 * WORD_CHARACTERS - text.length;
  const first = room < 0 ? null : parseId(text + 'a'.repeat(room));
  const last = room < 0 ? null : parseId(text + '7'.repeat(room));
  return first === null || last === null ? null : { first, last };
}

/** Whether the id of these words is one of them. */
export function isInRange(high: number, low: number, { first, last }: IdRange): boolean {
  if (high < first.high || high > last.high) return false;
  return (high > first.high || low >= first.low) && (high < last.high || low <= last.low);
}

function wordText(word: number): string {
  let text = '';
  for (let shift = 20; shift >= 0; shift -= 5) text += alphabet[(word >> shift) & 31];
  return text;
}

function wordOf(id: string, start: number): number {
  let word = 0;
  for (let at = start; at < start + WORD_CHARACTERS; at += 1) word = (word << 5) | alphabet.indexOf(id.charAt(at));
  return word;
}

/** Four octets of a latin-1 text as an int32, the first one highest. */
function wordAt(octets: string, at: number): number {
  return (
    (octets.charCodeAt(at) << 24) |
    (octets.charCodeAt(at + 1) << 16) |
    (octets.charCodeAt(at + 2) << 8) |
    octets.charCodeAt(at + 3)
  );
}
