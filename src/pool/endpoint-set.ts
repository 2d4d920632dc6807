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
    const digest = digestOf(endpoint);
    return this.#find(digest);
  }

  /** The number of an endpoint, given to it now if it is new. */
  intern(endpoint: Endpoint): number {
    const digest = digestOf(endpoint);
    const known = this.#find(digest);
    if (known >= 0) return known;
    const number = this.#size;
    if ((number + 1) * WORDS > this.#words.length) this.#grow();
    for (let word = 0; word < WORDS; word += 1) this.#words[number * WORDS + word] = wordAt(digest, word);
    this.#size += 1;
    this.#index.add(number, (one) => this.#words[one * WORDS] ?? 0);
    return number;
  }

  #find(digest: string): number {
    return this.#index.find(wordAt(digest, 0), (number) => {
      for (let word = 0; word < WORDS; word += 1) {
        if (this.#words[number * WORDS + word] !== wordAt(digest, word)) return false;
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

/** As latin-1, because a million buffers are more than is collected in time. */
function digestOf(endpoint: Endpoint): string {
  return hash('sha256', textOf(endpoint), 'binary');
}

function wordAt(digest: string, word: number): number {
  const at = word * 4;
  const [a, b] = [digest.charCodeAt(at), digest.charCodeAt(at + 1)];
  return a | (b << 8) | (digest.charCodeAt(at + 2) << 16) | (digest.charCodeAt(at + 3) << 24);
}

/** No credential has control characters. */
function textOf({ scheme, host, port, username = '\x01', password = '\x01' }: Endpoint): string {
  return `${scheme}\0${host}\0${port}\0${username}\0${password}`;
}
