import { type Authority, parseAuthority } from './authority.ts';
import type { Parsed } from './decoded.ts';
import { RecentTexts } from './recent-texts.ts';

/** Reads an authority: see parseAuthority(). */
export type AuthorityReader = typeof parseAuthority;

/** The authorities that the requests of one listener name. */
export class RecentAuthorities {
  readonly #withPort = new RecentTexts<Parsed<Authority>>();
  readonly #ofHttp = new RecentTexts<Parsed<Authority>>();

  /** Reads as parseAuthority() does, and mostly gives the very value that it gave before. */
  readonly read: AuthorityReader = (text, defaultPort) => {
    if (defaultPort === null) return this.#withPort.of(text, readWithPort);
    return defaultPort === 80 ? this.#ofHttp.of(text, readOfHttp) : parseAuthority(text, defaultPort);
  };
}

const readWithPort = (text: string): Parsed<Authority> => parseAuthority(text, null);
const readOfHttp = (text: string): Parsed<Authority> => parseAuthority(text, 80);
