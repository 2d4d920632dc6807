import { HashIndex } from '../memory/hash-index.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { IdWords } from './digest.ts';

type Dialled = Omit<Endpoint, 'scheme'> & Partial<Pick<Endpoint, 'scheme'>>;

/** Exits that would have one id, but for their numbers. */
export interface RepeatGroup {
  /** Whether an exit with this very endpoint is among them. */
  has(endpoint: Endpoint): boolean;
  add(endpoint: Endpoint, slot: number): void;
}

/** All exits whose first id was taken by others: a list may hold a million that differ by password alone, so no text is kept, and
 *  each is found by a hash. */
export class Repeats {
  readonly #endpointIn: (slot: number) => Endpoint;
  readonly #index = new HashIndex();
  /** Those whose holder is known, by their first id. */
  readonly #groups = new Set<number>();
  /** By the order in which they came. */
  readonly #slots: number[] = [];
  readonly #hashes: number[] = [];

  /** `endpointIn` tells the endpoint of the exit in a slot. */
  constructor(endpointIn: (slot: number) => Endpoint) {
    this.#endpointIn = endpointIn;
  }

  /** The exits that would have this first id, which the exit in slot `holder` has; -1 while none has it. */
  groupOf({ high, low }: IdWords, holder: number): RepeatGroup {
    const key = high * 2 ** 25 + low;
    const seed = high ^ low;
    const add = (endpoint: Endpoint, slot: number) => this.#add(hashOfPassword(endpoint, seed), slot);
    if (holder >= 0 && !this.#groups.has(key)) {
      this.#groups.add(key);
      add(this.#endpointIn(holder), holder);
    }
    return { add, has: (endpoint) => this.#has(endpoint, hashOfPassword(endpoint, seed)) };
  }

  #has(endpoint: Endpoint, hash: number): boolean {
    const found = this.#index.find(hash, (number) => {
      return this.#hashes[number] === hash && isSame(endpoint, this.#endpointIn(this.#slots[number] ?? 0));
    });
    return found >= 0;
  }

  #add(hash: number, slot: number): void {
    this.#slots.push(slot);
    this.#hashes.push(hash);
    this.#index.add(this.#slots.length - 1, (number) => this.#hashes[number] ?? 0);
  }
}

/** FNV-1a of what still tells such exits apart, an int32. */
export function hashOfPassword({ password = '' }: { readonly password?: string }, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < password.length; at += 1) hash = Math.imul(hash ^ password.charCodeAt(at), 0x01000193);
  return hash;
}

/** Whether two are dialled alike; where no scheme is told, it is the same. */
export function isSame(one: Dialled, other: Dialled): boolean {
  return (
    one.password === other.password &&
    one.username === other.username &&
    one.host === other.host &&
    one.port === other.port &&
    one.scheme === other.scheme
  );
}
