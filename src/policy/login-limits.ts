import { ipv6Groups, plainAddress } from '../protocol/address-range.ts';
import { FailureBudgets, forgetOldest } from './failure-budgets.ts';

export interface LoginLimitOptions {
  /** Failed logins that a source has per window. */
  readonly perSource: number;
  /** Failed logins on one name, from everywhere, before each source's share of that name shrinks. */
  readonly perName: number;
  readonly windowMs: number;
  /** Greatest number of sources, names and pairs remembered, each. */
  readonly capacity: number;
}

/** Whether a login may be tried, or its failure told, or how long to wait. */
export type LoginLeave = { readonly ok: true } | { readonly ok: false; readonly retryAfterS: number };

const defaults: LoginLimitOptions = { perSource: 20, perName: 200, windowMs: 60_000, capacity: 65_536 };

/** Failures on one name that a source keeps while that name is under attack from everywhere. */
const failuresOnAttackedName = 3;
/** How long a source that logged in right is trusted to be no stranger to that name. */
const trustMs = 3_600_000;
/** How old a record of trust gets before a login renews it: most logins then cost a look-up only. */
const renewalMs = 60_000;
/** A client's name has at most 32 characters: all longer ones share one entry. */
const nameLimit = 33;

const granted = Object.freeze({ ok: true } as const);

/** Slows down guessing, by source (IPv6 by /64) and by name, whether or not the name exists, without ever shutting out a client
 *  that logs in right: an empty source budget stops all logins from there but those of names that lately logged in right from
 *  there, and an empty name budget leaves every source three failures of its own. Time is an argument, in ms of the monotonic
 *  clock. A request without credentials is no failure and belongs nowhere here. */
export class LoginLimits {
  readonly #capacity: number;
  readonly #sources: FailureBudgets;
  readonly #names: FailureBudgets;
  /** Failures of one source on one name. */
  readonly #pairs: FailureBudgets;
  /** When a pair of source and name last logged in right, oldest first. */
  readonly #trusted = new Map<string, number>();

  constructor(options: Partial<LoginLimitOptions> = {}) {
    const { perSource, perName, windowMs, capacity } = { ...defaults, ...options };
    this.#capacity = capacity;
    this.#sources = new FailureBudgets({ failures: perSource, windowMs, capacity });
    this.#names = new FailureBudgets({ failures: perName, windowMs, capacity });
    this.#pairs = new FailureBudgets({ failures: Math.min(failuresOnAttackedName, perSource), windowMs, capacity });
  }

  /** Whether a login may be checked at all. If not, the answer is rate_limited, and the credential is not looked at. */
  mayTry(source: string, name: string, now: number): LoginLeave {
    const keys = keysOf(source, name);
    const waitMs = this.#waitMs(keys, now);
    return waitMs === 0 || this.#isTrusted(keys.pair, now) ? granted : refusal(waitMs);
  }

  /** Books a failed login. Tells how to answer it: ok means auth_failed; otherwise the budget was already spent (a trusted
   *  pair went on regardless) and the answer is rate_limited. */
  failed(source: string, name: string, now: number): LoginLeave {
    const keys = keysOf(source, name);
    const waitMs = this.#waitMs(keys, now);
    // Whoever goes on failing would otherwise keep the budget from ever filling again.
    if (waitMs > 0) return refusal(waitMs);
    this.#sources.spend(keys.source, now);
    this.#names.spend(keys.name, now);
    this.#pairs.spend(keys.pair, now);
    return granted;
  }

  /** Notes a right login. It gives no budget back: a guesser may have a login of its own. */
  succeeded(source: string, name: string, now: number): void {
    const { pair } = keysOf(source, name);
    const at = this.#trusted.get(pair);
    if (at !== undefined && now - at < renewalMs) return;
    this.#trusted.delete(pair);
    this.#trusted.set(pair, now);
    if (this.#trusted.size > this.#capacity) forgetOldest(this.#trusted);
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

  #isTrusted(pair: string, now: number): boolean {
    const at = this.#trusted.get(pair);
    return at !== undefined && now - at < trustMs;
  }
}

interface Keys {
  readonly source: string;
  readonly name: string;
  readonly pair: string;
}

function keysOf(source: string, name: string): Keys {
  const network = networkOf(source);
  const short = name.slice(0, nameLimit);
  return { source: network, name: short, pair: `${network} ${short}` };
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
