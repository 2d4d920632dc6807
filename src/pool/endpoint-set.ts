import { hash } from 'node:crypto';
import { HashIndex } from '../memory/hash-index.ts';
import type { Endpoint } from '../protocol/endpoint.ts';

const WORDS = 4;
const FIRST_CAPACITY = 1024;

/** Endpoints, credentials included, each once, numbered from 0 as they came. No text is kept: 128 bits of SHA-256 stand for each, so
 *  that a million take 32 MB whatever they are. */
export class EndpointSet {
  #words = new Int32Array(FIRST_CAPACITY * WORDS);
  readonly #index = new HashIndex();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of an endpoint, -1 where it isn't among them. */
  find(endpoint: Endpoint): number {
    const digest = hash('sha256', textOf(endpoint), 'buffer');
    return this.#find(digest);
  }

  /** The number of an endpoint, given to it now if it is new. */
  intern(endpoint: Endpoint): number {
    const digest = hash('sha256', textOf(endpoint), 'buffer');
    const known = this.#find(digest);
    if (known >= 0) return known;
    const number = this.#size;
    if ((number + 1) * WORDS > this.#words.length) this.#grow();
    for (let word = 0; word < WORDS; word += 1) this.#words[number * WORDS + word] = digest.readInt32LE(word * 4);
    this.#size += 1;
    this.#index.add(number, (one) => this.#words[one * WORDS] ?? 0);
    return number;
  }

  #find(digest: Buffer): number {
    return this.#index.find(digest.readInt32LE(0), (number) => {
      for (let word = 0; word < WORDS; word += 1) {
        if (this.#words[number * WORDS + word] !== digest.readInt32LE(word * 4)) return false;
      }
      return true;
    });
  }

  #grow(): void {
    const grown = new Int32Array(this.#words.length * 2);
    grown.set(this.#words);
    this.#words = grown;
  }
}

/** No credential has control characters. */
function textOf({ scheme, host, port, username = '\x01', password = '\x01' }: Endpoint): string {
  return `${scheme}\0${host}\0${port}\0${username}\0${password}`;
}
