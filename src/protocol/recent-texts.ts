import { Buffer } from 'node:buffer';

/** A power of two. */
const PLACES = 512;

/** No longer text is remembered: as long as any name of a host with its port. */
const LONGEST = 260;

/** A text looks at so many of its characters for its place, from its end. */
const LOOKED_AT = 24;

interface Entry<T> {
  readonly text: string;
  readonly value: T;
}

/** What the texts that were read last mean. One that comes again, as the hosts of a crawl do, need not be read again; and its value's
 *  strings are the same as before, which whoever looks them up knows at a glance, where each new one would have to be hashed first.
 *  Each text of latin-1 has one place, which the next one of that place takes. */
export class RecentTexts<T> {
  readonly #entries: (Entry<T> | null)[] = new Array<Entry<T> | null>(PLACES).fill(null);

  /** What `text` means: as it was read before, or as `read` says now. It must depend on its argument alone, which isn't `text` itself but
   *  a copy: a piece cut out of a longer text would keep that alive. Not for secrets: how long it takes tells how much of a text is
   *  the same as another's. */
  of(text: string, read: (text: string) => T): T {
    if (text.length > LONGEST) return read(text);
    const place = placeOf(text);
    const known = this.#entries[place];
    if (known != null && known.text === text) return known.value;
    const own = Buffer.from(text, 'latin1').toString('latin1');
    if (own !== text) return read(text);
    const value = read(own);
    this.#entries[place] = { text: own, value };
    return value;
  }
}

function placeOf(text: string): number {
  let hash = text.length;
  for (let at = Math.max(0, text.length - LOOKED_AT); at < text.length; at++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
