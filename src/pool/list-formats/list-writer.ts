import { failed, type Parsed, parsed } from '../../protocol/decoded.ts';
import type { ListFormat, ListScheme } from '../../protocol/list-format.ts';
import { ListReader } from './list-reader.ts';
import type { ListedExit } from './listed-exit.ts';
import { type ListWriting, writingOf } from './writings.ts';

/** Writes a list of exits, part after part. What a format can't tell is refused, never changed: every exit is read again as it
 *  is written. Places and names that a format has no room for are left out; `tellsPlaces` says so. */
export class ListWriter {
  readonly #format: Exclude<ListFormat, 'auto'>;
  readonly #writing: ListWriting;
  #count = 0;
  #scheme: ListScheme | null = null;

  constructor(format: Exclude<ListFormat, 'auto'>) {
    this.#format = format;
    this.#writing = writingOf(format);
  }

  /** Exits written so far. */
  get count(): number {
    return this.#count;
  }

  get tellsPlaces(): boolean {
    return this.#writing.tells.place;
  }

  /** The protocol that a reader of the list must be told, since it stands nowhere in it; null where it does. */
  get untoldScheme(): ListScheme | null {
    return this.#writing.tells.scheme ? null : this.#scheme;
  }

  /** What stands before this exit, and the exit. Fault (bad_request): the format can't tell it. The fault shows nothing of it. */
  write(exit: ListedExit): Parsed<string> {
    const { scheme } = exit.endpoint;
    if (scheme === 'direct') return failed('bad_request', 'a list has no words for a way out without a proxy');
    const former = this.#scheme ?? scheme;
    if (!this.#writing.tells.scheme && former !== scheme) {
      return failed(
        'bad_request',
        `${this.#format} leaves out the protocol, and that of this exit is another: use url or csv`,
      );
    }
    const text = this.#writing.write(exit);
    const said = text === null ? null : this.#readAgain(text, scheme);
    if (text === null || said === null || !this.#isSame(exit, said)) return failed('bad_request', this.#whyNot(exit));
    this.#scheme = scheme;
    this.#count += 1;
    return parsed(`${this.#count === 1 ? this.#writing.head : this.#writing.between}${text}`);
  }

  /** What stands behind the last exit. */
  end(): string {
    return this.#count === 0 ? `${this.#writing.head}${this.#writing.tail}`.replace(/^\n$/, '') : this.#writing.tail;
  }

  /** The one exit that a list with this text in it has; null where that is not so. */
  #readAgain(text: string, scheme: ListScheme): ListedExit | null {
    const exits: ListedExit[] = [];
    let isSound = true;
    const reader = new ListReader(
      { format: this.#format, scheme },
      {
        exit: (exit) => exits.push(exit),
        fault: () => {
          isSound = false;
        },
      },
    );
    reader.push(`${this.#writing.head}${text}${this.#writing.tail}`);
    reader.end();
    const [only, second] = exits;
    return isSound && second === undefined ? (only ?? null) : null;
  }

  #isSame({ endpoint, geo, name }: ListedExit, said: ListedExit): boolean {
    const { tells } = this.#writing;
    const { scheme, host, port, username, password } = said.endpoint;
    return (
      scheme === endpoint.scheme &&
      host === endpoint.host &&
      port === endpoint.port &&
      username === endpoint.username &&
      password === endpoint.password &&
      (!tells.name || name === said.name) &&
      (!tells.place ||
        JSON.stringify(Object.entries(geo).toSorted()) === JSON.stringify(Object.entries(said.geo).toSorted()))
    );
  }

  #whyNot({ endpoint: { scheme, username } }: ListedExit): string {
    const what = username === undefined ? `this ${scheme} exit` : `this ${scheme} exit with its credential`;
    return `${this.#format} cannot tell ${what}: use url, csv or json`;
  }
}
