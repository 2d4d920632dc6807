import { Buffer } from 'node:buffer';

/** Of a line so many octets are kept, and so many characters told. */
const KEPT_BYTES = 4_096;
const TOLD_LENGTH = 200;
/** What is shorter is no secret, and stands in many words. */
const LEAST_SECRET = 4;

const [LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/** What a terminal would obey, or not show: sequences that colour and move, then single characters. */
const unprintable = /\x1b\[[0-?]*[ -/]*[@-~]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

/** Tokens stand in the path and the query of a URL, and before its host. */
const url = /([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/]*@)?([^\s/?#@]+)[/?#]\S*/gi;

interface Line {
  readonly octets: Buffer;
  readonly isCut: boolean;
}

/** Keeps the last line of a text that isn't blank, however long the text and its lines are. */
export class LastLine {
  readonly #room = Buffer.alloc(KEPT_BYTES);
  #length = 0;
  #isCut = false;
  #isBlank = true;
  #last: Line | null = null;

  push(chunk: Buffer): void {
    for (const octet of chunk) {
      if (octet === LINE_FEED || octet === CARRIAGE_RETURN) this.#end();
      else if (this.#length === KEPT_BYTES) this.#isCut = true;
      else {
        this.#room[this.#length++] = octet;
        if (octet > SPACE) this.#isBlank = false;
      }
    }
  }

  /** The line, fit to be shown in one, without any of these secrets; null where there is none. */
  textWithout(secrets: readonly string[]): string | null {
    this.#end();
    if (this.#last === null) return null;
    const { octets, isCut } = this.#last;
    const hidden = secrets.flatMap(spellingsOf).sort((a, b) => b.length - a.length);
    let text = shownOf(octets.toString('utf8'));
    for (const secret of hidden) text = text.replaceAll(secret, '…');
    if (isCut) text = withoutBeginnings(text, hidden);
    text = text.replace(url, '$1$2/…').trim();
    if (text === '') return null;
    return text.length > TOLD_LENGTH ? `${text.slice(0, TOLD_LENGTH).toWellFormed()}…` : text;
  }

  #end(): void {
    if (!this.#isBlank) this.#last = { octets: Buffer.from(this.#room.subarray(0, this.#length)), isCut: this.#isCut };
    this.#length = 0;
    this.#isCut = false;
    this.#isBlank = true;
  }
}

/** Where a line was cut, the beginning of a secret may stand: and of its last character only some octets. */
function withoutBeginnings(text: string, secrets: readonly string[]): string {
  const whole = text.replace(/\ufffd+$/, '');
  let cut = 0;
  for (const secret of secrets) {
    let length = Math.min(secret.length - 1, whole.length);
    while (length > cut && !whole.endsWith(secret.slice(0, length))) length -= 1;
    cut = Math.max(cut, length);
  }
  return cut === 0 ? whole : `${whole.slice(0, -cut)}…`;
}

/** How a secret may stand in a line: each of its own lines, as it is, as in a URL, and in Base64. */
function spellingsOf(secret: string): readonly string[] {
  const parts = secret.split(/[\r\n]+/).map((part) => shownOf(part).trim());
  return parts
    .filter(({ length }) => length >= LEAST_SECRET)
    .flatMap((part) => [
      part,
      encodeURIComponent(part.toWellFormed()),
      Buffer.from(part).toString('base64').replace(/=+$/, ''),
    ]);
}

const shownOf = (text: string): string => text.replace(unprintable, '');
