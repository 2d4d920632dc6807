/** Leases: which exit a session holds. Bounded, expiring, least recently used first out. Keys are made by the caller, keyed-hashed
 *  from (client, session), so that no chosen name meets another's. */

/** A session's hold on an exit. Times are monotonic ms. */
export interface Lease {
  readonly slot: number;
  /** The slot's generation when it was leased: where the exit table shows another, the leased exit is gone. */
  readonly generation: number;
  readonly createdAt: number;
  /** Absolute end, whatever the use; Infinity where there is none. */
  readonly expiresAt: number;
  /** The lease ends when it has not been used for this long; Infinity where it may. */
  readonly idleMs: number;
  readonly lastUsed: number;
  /** The session must not move to another exit: where its exit is gone the caller answers `session_lost`. */
  readonly strict: boolean;
  /** What a vendor's template mints this session's exit from; empty where the exit is not minted. */
  readonly mintKey: string;
  /** An exchange has succeeded over this exit: from then on a strict session stays or fails. */
  readonly confirmed: boolean;
  /** The exit has failed this session, which has not moved yet. */
  readonly failed: boolean;
}

/** What a new lease is made of. `ttlMs` counts from its creation. */
export interface LeaseTerms extends Pick<Lease, 'slot' | 'generation' | 'idleMs' | 'strict' | 'mintKey'> {
  readonly ttlMs: number;
}

const isOver = (lease: Lease, now: number) => now >= lease.expiresAt || now - lease.lastUsed >= lease.idleMs;

/** All leases of a gateway. A Map keeps its keys in the order they were set, so a lease that is set again on each use leaves the
 *  least recently used one in front. */
export class LeaseTable {
  readonly #capacity: number;
  readonly #leases = new Map<string, Lease>();
  #sweeping: Iterator<[string, Lease]> | null = null;
  #evicted = 0;

  constructor({ capacity = 1_000_000 }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Leases that had to go before their end because the table was full. Such a session, strict or not, begins anew. */
  get evicted(): number {
    return this.#evicted;
  }

  /** The session's lease, unless it has none or it ended by its ttl or by idleness: then a new one may be made, strict or not.
   *  A look alone is no use: see `touch`. */
  find(key: string, now: number): Lease | undefined {
    const lease = this.#leases.get(key);
    if (lease === undefined || !isOver(lease, now)) return lease;
    this.#leases.delete(key);
    return undefined;
  }

  /** Makes a lease, in place of any former one of this key. */
  create(key: string, { ttlMs, ...terms }: LeaseTerms, now: number): Lease {
    if (!this.#leases.has(key) && this.#leases.size >= this.#capacity) this.#evictOldest(now);
    return this.#put(key, {
      ...terms,
      createdAt: now,
      expiresAt: now + ttlMs,
      lastUsed: now,
      confirmed: false,
      failed: false,
    });
  }

  /** The session goes on over another exit; its absolute end stays. Returns undefined where there is no such lease. */
  move(key: string, to: Pick<Lease, 'slot' | 'generation' | 'mintKey'>): Lease | undefined {
    const { slot, generation, mintKey } = to;
    return this.#change(key, { slot, generation, mintKey, confirmed: false, failed: false });
  }

  /** The lease's exit has served the session. */
  confirm(key: string): void {
    this.#change(key, { confirmed: true });
  }

  /** The lease's exit has failed the session, which moves at its next attempt. */
  fail(key: string): void {
    this.#change(key, { failed: true });
  }

  /** The session was used: its idle time starts again. */
  touch(key: string, now: number): void {
    this.#change(key, { lastUsed: now });
  }

  remove(key: string): void {
    this.#leases.delete(key);
  }

  /** Looks at up to `max` leases, going on where the last sweep stopped, and removes those that ended. Returns how many. */
  sweep(now: number, max: number): number {
    let removed = 0;
    this.#sweeping ??= this.#leases.entries();
    for (let i = 0; i < max; i++) {
      const next = this.#sweeping.next();
      if (next.done) {
        this.#sweeping = null;
        break;
      }
      const [key, lease] = next.value;
      if (isOver(lease, now) && this.#leases.delete(key)) removed++;
    }
    return removed;
  }

  #change(key: string, change: Partial<Lease>): Lease | undefined {
    const lease = this.#leases.get(key);
    return lease && this.#put(key, { ...lease, ...change });
  }

  #put(key: string, lease: Lease): Lease {
    this.#leases.delete(key);
    this.#leases.set(key, lease);
    return lease;
  }

  #evictOldest(now: number): void {
    for (const [key, lease] of this.#leases) {
      this.#leases.delete(key);
      if (!isOver(lease, now)) this.#evicted++;
      return;
    }
  }
}
