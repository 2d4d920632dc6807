import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

/** How often the file is looked at, in ms. */
const CHECK_INTERVAL_MS = 1000;

/** The addresses of each name in the text of a hosts file (hosts(5)), in order. Names are lower-cased; lines that don't begin with
 *  an address (a zone id is none) are passed over. */
export function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0 || address.includes('%')) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const known = hosts.get(key);
      if (known === undefined) hosts.set(key, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return hosts;
}

/** A hosts file, followed as it changes. Where it can't be read it has no names. */
export class HostsFile {
  readonly #path: string;
  readonly #now: () => number;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #version = '';
  #hosts = new Map<string, string[]>();

  /** `path` may be empty: no file. `now` in ms, monotonic. */
  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  /** The addresses of `name` (lower-case), or undefined where the file doesn't list it. Looks at the disk once a second at
   *  most, and reads only what has changed: synchronously, since a hosts file is small and local. */
  addresses(name: string): readonly string[] | undefined {
    const now = this.#now();
    if (now - this.#checkedAt >= CHECK_INTERVAL_MS) {
      this.#checkedAt = now;
      this.#refresh();
    }
    return this.#hosts.get(name);
  }

  #refresh(): void {
    if (this.#path === '') return;
    try {
      const { mtimeMs, size } = statSync(this.#path);
      const version = `${mtimeMs} ${size}`;
      if (version === this.#version) return;
      this.#hosts = parseHosts(readFileSync(this.#path, 'utf8'));
      this.#version = version;
    } catch {
      this.#hosts = new Map();
      this.#version = '';
    }
  }
}
