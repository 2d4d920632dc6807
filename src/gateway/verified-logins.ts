import type { ClientDirectory, ClientRecord } from '../policy/client-directory.ts';
import type { Identity, Introduction } from './admission.ts';
import { BoundsByHost } from './limits/bounds.ts';

/** Logins remembered at most; a client that changes its parameters with every request has many. */
const CAPACITY = 4096;

/** Tags of one client whose bounds are remembered; those beyond remember one host for each login. */
const MOST_TAGS = 16;

/** Everything that the judgement of a login depends on, beside the clients. */
type Evidence = Pick<Introduction, 'evidence' | 'source' | 'listener' | 'exitField'>;

/** Logins that were found right, so that a client's next request costs no hash and no parsing. They are forgotten as soon as the
 *  clients change: each request is still judged by its own credential, against the clients as they stand. */
export class VerifiedLogins {
  #directory: ClientDirectory | null = null;
  /** By credential, then by where it was shown, then by source: a text of all three, made for each look, costs more than these. */
  readonly #identities = new Map<string | null, Map<string, Map<string, Identity>>>();
  #size = 0;
  readonly #bounds = new WeakMap<ClientRecord, Map<string, BoundsByHost>>();

  /** What the exchanges of a client with this tag come under, whatever else its login asks for. */
  boundsOf(client: ClientRecord, tag = ''): BoundsByHost {
    const tags = this.#bounds.get(client) ?? new Map<string, BoundsByHost>();
    this.#bounds.set(client, tags);
    const known = tags.get(tag);
    if (known !== undefined) return known;
    if (tags.size >= MOST_TAGS) return new BoundsByHost(client.name, 1);
    const bounds = new BoundsByHost(client.name);
    tags.set(tag, bounds);
    return bounds;
  }

  /** Who the evidence proved to be in this very directory, or undefined. */
  recall(directory: ClientDirectory, shown: Evidence): Identity | undefined {
    if (directory !== this.#directory) return undefined;
    return this.#identities.get(shown.evidence)?.get(placeOf(shown))?.get(shown.source);
  }

  remember(directory: ClientDirectory, shown: Evidence, identity: Identity): void {
    if (directory !== this.#directory || this.#size >= CAPACITY) this.#forget();
    this.#directory = directory;
    const places = madeAt(this.#identities, shown.evidence);
    madeAt(places, placeOf(shown)).set(shown.source, identity);
    this.#size += 1;
  }

  #forget(): void {
    this.#identities.clear();
    this.#size = 0;
  }
}

/** Neither part can hold a line break. */
const placeOf = ({ listener, exitField }: Evidence): string =>
  exitField === undefined ? listener : `${listener}\n${exitField}`;

function madeAt<Key, K, V>(maps: Map<Key, Map<K, V>>, key: Key): Map<K, V> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<K, V>();
  maps.set(key, made);
  return made;
}
