import { ownText } from './own-text.ts';

/** A power of two. */
const PLACES = 512;

/** No longer text is remembered: as long as any name of a host with its port. */
const LONGEST = 260;

interface Entry<T> {
  readonly text: string;
  readonly value: T;
}

/** What texts mean that come again and again, as the hosts of a crawl do: they need not be read again, and their values' strings are
 *  the same as before, which whoever looks them up knows at a glance, where each new one would have to be hashed first. A text of
 *  latin-1 has one place, which it gets when it comes for the second time since another was met there. */
export class RecentTexts<T> {
  readonly #entries: (Entry<T> | null)[] = new Array<Entry<T> | null>(PLACES).fill(null);
  /** The hash of the text that was met last at each place. */
  readonly #met = new Int32Array(PLACES);

  /** What `text` means: as it was read before, or as `read` says now. It must depend on its argument alone, which isn't `text` itself but
   *  a copy: a piece cut out of a longer text would keep that alive. Not for secrets: how long it takes tells how much of a text is
   *  the same as another's. */
  of(text: string, read: (text: string) => T): T {
    if (text.length > LONGEST) return read(text);
    const hash = hashOf(text);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#entries[place];
    if (known != null && known.text === text) return known.value;
    // One that is met once isn't worth a copy.
    if (this.#met[place] !== hash) {
      this.#met[place] = hash;
      return read(text);
    }
    const own = ownText(text);
    if (own !== text) return read(text);
    const value = read(own);
    this.#entries[place] = { text: own, value };
    return value;
  }
}

function hashOf(text: string): number {
  let hash = text.length;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}
