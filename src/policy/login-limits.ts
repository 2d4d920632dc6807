import { type CellKey, KeyedCells } from '../memory/keyed-cells.ts';
import { ipv6Groups, plainAddress } from '../protocol/address-range.ts';
import { cellKeyOf } from './cell-key.ts';
import { FailureBudgets } from './failure-budgets.ts';
import { TrustedPairs } from './trusted-pairs.ts';

export interface LoginLimitOptions {
  /** Failed logins that a source has per window. */
  readonly perSource: number;
  /** Failed logins on one name, from everywhere, before each source's share of that name shrinks. */
  readonly perName: number;
  readonly windowMs: number;
}

/** Whether a login may be tried, or its failure told, or how long to wait. */
export type LoginLeave = { readonly ok: true } | { readonly ok: false; readonly retryAfterS: number };

/** Where the limits of all threads are kept. */
export interface LoginMemory {
  readonly sources: SharedArrayBuffer;
  readonly names: SharedArrayBuffer;
  readonly pairs: SharedArrayBuffer;
  readonly trusted: SharedArrayBuffer;
  /** Hashes sources and names. */
  readonly key: Uint8Array;
}

/** Memory for `capacity` sources, names, pairs, and trusted pairs. `key` is random, so that nobody can choose what to forget. */
export function createLoginMemory(key: Uint8Array, capacity = 65_536): LoginMemory {
  const table = () => new SharedArrayBuffer(KeyedCells.wordsFor(capacity) * Int32Array.BYTES_PER_ELEMENT);
  return { sources: table(), names: table(), pairs: table(), trusted: table(), key };
}

/** Failures on one name that a source keeps while that name is under attack from everywhere. */
const failuresOnAttackedName = 3;
/** A client's name has at most 32 characters: all longer ones share one entry. */
const nameLimit = 33;

const granted = Object.freeze({ ok: true } as const);

/** Slows down guessing, by source (IPv6 by /64) and by name, whether or not the name exists, without ever shutting out a client
 *  that logs in right: an empty source budget stops all logins from there but those of names that lately logged in right from
 *  there, and an empty name budget leaves every source three failures of its own. The budgets are those of all threads together.
 *  Time is an argument, in ms of the monotonic clock. A request without credentials is no failure and belongs nowhere here. */
export class LoginLimits {
  readonly #hashKey: Uint8Array;
  readonly #sources: FailureBudgets;
  readonly #names: FailureBudgets;
  /** Failures of one source on one name. */
  readonly #pairs: FailureBudgets;
  readonly #trusted: TrustedPairs;

  constructor({ perSource, perName, windowMs }: LoginLimitOptions, memory: LoginMemory) {
    const perPair = Math.min(failuresOnAttackedName, perSource);
    this.#hashKey = memory.key;
    this.#sources = new FailureBudgets(KeyedCells.over(memory.sources), { failures: perSource, windowMs });
    this.#names = new FailureBudgets(KeyedCells.over(memory.names), { failures: perName, windowMs });
    this.#pairs = new FailureBudgets(KeyedCells.over(memory.pairs), { failures: perPair, windowMs });
    this.#trusted = new TrustedPairs(KeyedCells.over(memory.trusted));
  }

  /** Whether a login may be checked at all. If not, the answer is rate_limited, and the credential is not looked at. */
  mayTry(source: string, name: string, now: number): LoginLeave {
    const keys = this.#keysOf(source, name);
    const waitMs = this.#waitMs(keys, now);
    return waitMs === 0 || this.#trusted.has(keys.pair, now) ? granted : refusal(waitMs);
  }

  /** Books a failed login. Tells how to answer it: ok means auth_failed; otherwise the budget was already spent (a trusted
   *  pair went on regardless) and the answer is rate_limited. */
  failed(source: string, name: string, now: number): LoginLeave {
    const keys = this.#keysOf(source, name);
    const waitMs = this.#waitMs(keys, now);
    // Whoever goes on failing would otherwise keep the budget from ever filling again.
    if (waitMs > 0) return refusal(waitMs);
    // The last of a budget another thread may have spent since.
    const bySource = this.#sources.take(keys.source, now);
    if (bySource > 0) return refusal(bySource);
    const byName = this.#names.waitMs(keys.name, now);
    this.#names.spend(keys.name, now);
    const byPair = this.#pairs.take(keys.pair, now);
    return byName > 0 && byPair > 0 ? refusal(byPair) : granted;
  }

  /** Notes a right login. It gives no budget back: a guesser may have a login of its own. */
  succeeded(source: string, name: string, now: number): void {
    this.#trusted.note(this.#keysOf(source, name).pair, now);
  }

  /** Forgets what is over, and gives back what a thread held when it died. One thread calls it now and then. */
  tidy(now: number): void {
    for (const table of [this.#sources, this.#names, this.#pairs, this.#trusted]) table.tidy(now);
  }

  /** Entries held, for tests and metrics of memory. */
  get size(): number {
    return this.#sources.size + this.#names.size + this.#pairs.size + this.#trusted.size;
  }

  #waitMs(keys: Keys, now: number): number {
    const bySource = this.#sources.waitMs(keys.source, now);
    if (this.#names.waitMs(keys.name, now) === 0) return bySource;
    return Math.max(bySource, this.#pairs.waitMs(keys.pair, now));
  }

  #keysOf(source: string, name: string): Keys {
    const network = networkOf(source);
    const short = name.slice(0, nameLimit);
    return { source: this.#keyOf(network), name: this.#keyOf(short), pair: this.#keyOf(`${network} ${short}`) };
  }

  #keyOf(text: string): CellKey {
    return cellKeyOf(this.#hashKey, text);
  }
}

interface Keys {
  readonly source: CellKey;
  readonly name: CellKey;
  readonly pair: CellKey;
}

/** An IPv4 address, or the /64 of an IPv6 one: who has one address there has them all. */
function networkOf(source: string): string {
  if (!source.includes(':')) return source;
  const address = plainAddress(source);
  if (address === null || !address.includes(':')) return address ?? source;
  return ipv6Groups(address).slice(0, 4).join(':');
}

function refusal(waitMs: number): LoginLeave {
  return { ok: false, retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) };
}
