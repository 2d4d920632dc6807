import { Resolver as DnsResolver } from 'node:dns';
import { isIPv4 } from 'node:net';
import type { AbortView } from './abort.ts';
import { type DnsAnswer, queryDns, ResolveFailure } from './dns-query.ts';
import { HostsFile } from './hosts-file.ts';

const MIN_TTL_MS = 1000;
const MAX_TTL_MS = 5 * 60_000;
/** How long a failure is believed. */
const NEGATIVE_TTL_MS = 5000;
/** How long past its time the last good answer serves while the servers fail (RFC 8767). */
const STALE_MS = 60 * 60_000;
const CACHE_LIMIT = 10_000;
/** Queries go out again within `timeoutMs`, since a datagram may be lost. */
const TRIES = 3;
/** Once a family has given addresses, how long the other may still take: IPv6 RFC 8305 §3's resolution delay; IPv4 more, because
 *  a name served by IPv6 alone to a host without it could not be reached. */
const RESOLUTION_DELAY_MS = { 4: 500, 6: 50 } as const;

type Family = 4 | 6;

/** The one place where names become addresses. */
export interface Resolver {
  /** The addresses of `name` (canonical as in Authority, and not an address): IPv6 first, each family in rotation. Never
   *  empty: rejects with ResolveFailure instead, or with the reason of `signal`. */
  resolve(name: string, family: 0 | Family, signal?: AbortView): Promise<string[]>;
  /** Ends all queries under way as failed. */
  close(): void;
}

export interface ResolverOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** In [0, 1): spreads dials over the addresses of a name. */
  readonly random: () => number;
  /** `address` or `address:port`; the system's where empty. */
  readonly servers: readonly string[];
  /** Read before any server is asked; empty for none. */
  readonly hostsFile: string;
  /** Of each query, A and AAAA on their own. */
  readonly timeoutMs: number;
}

/** What is known of one name and family: addresses, or why there are none. */
interface Entry {
  readonly addresses: readonly string[];
  readonly failure: ResolveFailure | null;
  readonly freshUntil: number;
  readonly staleUntil: number;
}

/** A resolver over the hosts file, then node:dns, with a cache: by TTL, between one second and five minutes; failures for five
 *  seconds; the last good answer for an hour while the servers fail. One query is in flight per name and family. `dns.lookup`
 *  is not used: its four threads are shared with everything else. */
export function createResolver(options: ResolverOptions): Resolver {
  return new CachingResolver(options);
}

class CachingResolver implements Resolver {
  readonly #options: ResolverOptions;
  readonly #dns: DnsResolver;
  readonly #hosts: HostsFile;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #queries = new Map<string, Promise<Entry>>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#dns = new DnsResolver({ timeout: Math.max(1, Math.floor(options.timeoutMs / TRIES)), tries: TRIES });
    if (options.servers.length > 0) this.#dns.setServers(options.servers);
    this.#hosts = new HostsFile(options.hostsFile, options.now);
  }

  async resolve(name: string, family: 0 | Family, signal?: AbortView): Promise<string[]> {
    const listed = this.#hosts.addresses(name) ?? loopbackOf(name);
    if (listed !== undefined) return this.#pick([...ofFamily(listed, 6), ...ofFamily(listed, 4)], family);

    const entries = await untilAborted(this.#ask(name, family), signal);
    const addresses = entries.flatMap((entry) => this.#rotate(entry.addresses));
    if (addresses.length > 0) return addresses;
    // One server that failed to answer leaves open what one that denied has closed.
    const failures = entries.map((entry) => entry.failure);
    throw failures.find((failure) => failure?.code !== 'not_found') ?? failures[0] ?? new ResolveFailure('not_found');
  }

  close(): void {
    this.#dns.cancel();
  }

  #pick(addresses: readonly string[], family: 0 | Family): string[] {
    const picked = family === 0 ? [...addresses] : ofFamily(addresses, family);
    if (picked.length === 0) throw new ResolveFailure('not_found');
    return picked;
  }

  #rotate(addresses: readonly string[]): string[] {
    const start = Math.floor(this.#options.random() * addresses.length);
    return [...addresses.slice(start), ...addresses.slice(0, start)];
  }

  async #ask(name: string, family: 0 | Family): Promise<readonly Entry[]> {
    if (family !== 0) return [await this.#entry(name, family)];
    const six = this.#entry(name, 6);
    const four = this.#entry(name, 4);
    if (!(six instanceof Promise) && !(four instanceof Promise)) return [six, four];
    return firstOfBoth(Promise.resolve(six), Promise.resolve(four));
  }

  /** At once where it is cached. */
  #entry(name: string, family: Family): Entry | Promise<Entry> {
    const key = `${family} ${name}`;
    const cached = this.#entries.get(key);
    const now = this.#options.now();
    if (cached !== undefined && now < cached.freshUntil) {
      this.#keep(key, cached);
      return cached;
    }
    const query = this.#queries.get(key) ?? this.#query(key, name, family);
    // While the servers fail nobody waits for them who has an old answer (RFC 8767 §5).
    const stale = cached !== undefined && cached.failure !== null && cached.addresses.length > 0;
    return stale && now < cached.staleUntil ? cached : query;
  }

  #query(key: string, name: string, family: Family): Promise<Entry> {
    const query = queryDns(this.#dns, name, { family, timeoutMs: this.#options.timeoutMs }).then(
      (answer) => this.#settle(key, this.#good(answer)),
      (failure: ResolveFailure) => this.#settle(key, this.#bad(failure, this.#entries.get(key))),
    );
    this.#queries.set(key, query);
    return query;
  }

  #good(answer: DnsAnswer): Entry {
    const freshUntil = this.#options.now() + Math.min(Math.max(answer.ttlMs, MIN_TTL_MS), MAX_TTL_MS);
    return { addresses: answer.addresses, failure: null, freshUntil, staleUntil: freshUntil + STALE_MS };
  }

  #bad(failure: ResolveFailure, last: Entry | undefined): Entry {
    const now = this.#options.now();
    const freshUntil = now + NEGATIVE_TTL_MS;
    const usable = failure.code !== 'not_found' && last !== undefined && now < last.staleUntil;
    return usable ? { ...last, failure, freshUntil } : { addresses: [], failure, freshUntil, staleUntil: 0 };
  }

  #settle(key: string, entry: Entry): Entry {
    this.#queries.delete(key);
    this.#keep(key, entry);
    return entry;
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= CACHE_LIMIT) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

/** RFC 6761 §6.3: these names are loopback whatever a server would say. */
function loopbackOf(name: string): readonly string[] | undefined {
  return name === 'localhost' || name.endsWith('.localhost') ? ['::1', '127.0.0.1'] : undefined;
}

const ofFamily = (addresses: readonly string[], family: Family): string[] =>
  addresses.filter((address) => isIPv4(address) === (family === 4));

/** Both entries, IPv6 first; or the one that has addresses, when the other is late. */
function firstOfBoth(six: Promise<Entry>, four: Promise<Entry>): Promise<readonly Entry[]> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const arrived = (entry: Entry, delayMs: number): void => {
      if (entry.addresses.length > 0) timer ??= setTimeout(() => resolve([entry]), delayMs);
    };
    six.then((entry) => arrived(entry, RESOLUTION_DELAY_MS[4]));
    four.then((entry) => arrived(entry, RESOLUTION_DELAY_MS[6]));
    Promise.all([six, four]).then((both) => {
      clearTimeout(timer);
      resolve(both);
    });
  });
}

/** `promise`, unless the signal is aborted before: the query goes on for whoever else waits, and for the cache. */
function untilAborted<T>(promise: Promise<T>, signal: AbortView | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
