import type { CellKey, KeyedCells } from '../memory/keyed-cells.ts';

/** How long a source that logged in right is trusted to be no stranger to that name. */
const TRUST_MS = 3_600_000;
/** How old a record of trust gets before a login renews it: most logins then cost a look-up only. */
const RENEWAL_MS = 60_000;

/** When pairs of source and name last logged in right, in words shared by all threads; the oldest is forgotten first. Time is an
 *  argument, in ms of the monotonic clock. */
export class TrustedPairs {
  readonly #cells: KeyedCells;

  constructor(cells: KeyedCells) {
    this.#cells = cells;
  }

  get size(): number {
    return this.#cells.size;
  }

  has(pair: CellKey, now: number): boolean {
    const at = this.#cells.read(pair);
    return at !== null && ageMs(at, now) < TRUST_MS;
  }

  note(pair: CellKey, now: number): void {
    const at = this.#cells.read(pair);
    if (at !== null && ageMs(at, now) < RENEWAL_MS) return;
    this.#cells.update(pair, { next: () => now | 0, rank: (noted) => -ageMs(noted, now) });
  }

  /** Forgets those that are over. Called now and then, long before times wrap around (49 days). */
  tidy(now: number): void {
    this.#cells.tidy((at) => ageMs(at, now) >= TRUST_MS);
  }
}

/** Another thread may have been here a moment later than `now`: that is no age of 49 days. */
function ageMs(at: number, now: number): number {
  const age = (now - at) >>> 0;
  return age > 2 ** 31 && (at - now) >>> 0 < TRUST_MS ? 0 : age;
}
