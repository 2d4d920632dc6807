import type { ListedExit } from '../pool/list-formats/list-reader.ts';
import { type Endpoint, formatEndpoint } from '../protocol/endpoint.ts';

/** What an exit that is meant must be like. */
interface Matcher {
  /** How it is told to people: without a credential. */
  readonly shown: string;
  /** Null where any will do. */
  readonly scheme: string | null;
  /** Null where any will do; otherwise user name and password, undefined where the exit takes none. */
  readonly credential: readonly [username: string | undefined, password: string | undefined] | null;
  hits: number;
}

/** Tells which exits are meant by some ids and entries. */
export class ExitMatchers {
  readonly #byAddress = new Map<string, Matcher[]>();

  /** The exit with this very endpoint, called `shown`. */
  addExact(endpoint: Endpoint, shown: string): void {
    this.#add(endpoint, {
      shown,
      scheme: endpoint.scheme,
      credential: [endpoint.username, endpoint.password],
      hits: 0,
    });
  }

  /** What an entry says: without a credential, or a scheme (`isSchemeTold`), any will do. */
  addEntry(endpoint: Endpoint, isSchemeTold: boolean): void {
    const { scheme, username, password } = endpoint;
    const credential = username === undefined ? null : ([username, password] as const);
    const shown = isSchemeTold ? formatEndpoint(endpoint) : formatEndpoint(endpoint).replace(`${scheme}://`, '');
    this.#add(endpoint, { shown, scheme: isSchemeTold ? scheme : null, credential, hits: 0 });
  }

  /** Whether an exit is meant; it counts as found. */
  takes({ endpoint }: ListedExit): boolean {
    let taken = false;
    for (const matcher of this.#byAddress.get(addressOf(endpoint)) ?? []) {
      const { scheme, credential } = matcher;
      if (scheme !== null && scheme !== endpoint.scheme) continue;
      if (credential !== null && (credential[0] !== endpoint.username || credential[1] !== endpoint.password)) continue;
      matcher.hits += 1;
      taken = true;
    }
    return taken;
  }

  /** What was meant, but never found. */
  missed(): string[] {
    return [...this.#byAddress.values()].flatMap((matchers) =>
      matchers.filter(({ hits }) => hits === 0).map(({ shown }) => shown),
    );
  }

  #add(endpoint: Endpoint, matcher: Matcher): void {
    const address = addressOf(endpoint);
    this.#byAddress.set(address, [...(this.#byAddress.get(address) ?? []), matcher]);
  }
}

function addressOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}
