import { HashIndex } from '../memory/hash-index.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { IdWords } from './digest.ts';

/** Exits that would have one id, but for their numbers. */
export interface RepeatGroup {
  /** Whether an exit with this very endpoint is among them. */
  has(endpoint: Endpoint): boolean;
  add(endpoint: Endpoint, slot: number): void;
  /** Counts up from 1. */
  nextNumber(): number;
}

/** All exits whose first id was taken by others: a list may hold a million that differ by password alone, so no text is kept, and
 *  each is found by a hash. */
export class Repeats {
  readonly #endpointIn: (slot: number) => Endpoint;
  readonly #index = new HashIndex();
  readonly #groups = new Map<number, { numbers: number }>();
  /** By the order in which they came. */
  readonly #slots: number[] = [];
  readonly #hashes: number[] = [];

  /** `endpointIn` tells the endpoint of the exit in a slot. */
  constructor(endpointIn: (slot: number) => Endpoint) {
    this.#endpointIn = endpointIn;
  }

  /** The exits of this first id, which the exit in slot `holder` has. */
  groupOf({ high, low }: IdWords, holder: number): RepeatGroup {
    const key = high * 2 ** 25 + low;
    const known = this.#groups.get(key);
    const counted = known ?? { numbers: 0 };
    const seed = high ^ low;
    const add = (endpoint: Endpoint, slot: number) => this.#add(hashOf(endpoint, seed), slot);
    if (known === undefined) {
      this.#groups.set(key, counted);
      add(this.#endpointIn(holder), holder);
    }
    return {
      add,
      has: (endpoint) => this.#has(endpoint, hashOf(endpoint, seed)),
      nextNumber: () => {
        counted.numbers += 1;
        return counted.numbers;
      },
    };
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

/** FNV-1a of what still tells such exits apart. */
function hashOf({ password = '' }: Endpoint, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < password.length; at += 1) hash = Math.imul(hash ^ password.charCodeAt(at), 0x01000193);
  return hash;
}

function isSame(one: Endpoint, other: Endpoint): boolean {
  return (
    one.password === other.password &&
    one.username === other.username &&
    one.host === other.host &&
    one.port === other.port &&
    one.scheme === other.scheme
  );
}
