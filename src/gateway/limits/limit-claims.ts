import type { GatewayError } from '../../errors.ts';
import type { LimitCell } from '../../policy/limit-cells.ts';
import { type LimitCounts, NONE_LEFT, TAKEN } from '../../policy/limit-counts.ts';
import type { LimitPlan } from './limit-plans.ts';

export interface LimitClaimsOptions {
  readonly counts: LimitCounts;
  readonly now: () => number;
}

/** A limit of which nothing could be taken, and why; see LimitCounts.take(). */
export interface Refused {
  readonly cell: LimitCell;
  readonly why: number;
}

interface Claim {
  /** What gives back a place, or TAKEN. */
  readonly place: number;
  readonly takenAt: number;
}

/** What an exchange that may leave by several pools has taken of the limits of each. Which pool carries it is known only when an
 *  attempt begins: until then it holds places of all of them, for it is under way, and of rates what all pools have in common. Of a
 *  pool's own rate it takes when an attempt is to go over it, so none can be gone around, and nothing of it is lost while it waits. Then it
 *  gives back what isn't that pool's. */
export class LimitClaims {
  readonly #counts: LimitCounts;
  readonly #plans: readonly LimitPlan[];
  readonly #now: () => number;
  readonly #taken = new Map<LimitCell, Claim>();
  /** Why a pool was left out, the first of those that were. */
  refusal: GatewayError | null = null;

  /** `plans` are those of all pools that are asked. */
  constructor(plans: readonly LimitPlan[], { counts, now }: LimitClaimsOptions) {
    this.#counts = counts;
    this.#now = now;
    this.#plans = plans;
  }

  /** The exchange is let in: takes what of the plan can be given back whole, or all pools ask for. Returns what of the plan has none
   *  left, and then nothing more is held than before; null where there is none. */
  enter(plan: LimitPlan, now: number): Refused | null {
    const isLater = (cell: LimitCell) => cell.limit.pace !== null && !this.#isCommon(cell);
    const later = plan.taken.filter(isLater);
    const none = later.find((cell) => this.#counts.left(cell, now) === 0);
    if (none !== undefined) return { cell: none, why: NONE_LEFT };
    return this.take(later.length === 0 ? plan : { taken: plan.taken.filter((cell) => !isLater(cell)) }, now);
  }

  /** Takes what the plan asks for and wasn't taken yet. Returns what has none left, and then nothing more is held than before; null
   *  where there is none. */
  take({ taken }: Pick<LimitPlan, 'taken'>, now: number): Refused | null {
    const fresh: LimitCell[] = [];
    for (const cell of taken) {
      if (isAmong([...this.#taken.keys()], cell)) continue;
      const why = this.#counts.take(cell, now);
      if (why < TAKEN) {
        for (const one of fresh) this.#giveBack(one);
        return { cell, why };
      }
      this.#taken.set(cell, { place: why, takenAt: now });
      fresh.push(cell);
    }
    return null;
  }

  /** Gives back all that the plan doesn't ask for. */
  keep({ taken }: LimitPlan): void {
    for (const cell of [...this.#taken.keys()]) if (!isAmong(taken, cell)) this.#giveBack(cell);
  }

  /** An attempt that was to go over a pool couldn't begin: gives back what was taken for it of rates, but for what is `own` already. */
  leave({ taken }: LimitPlan): void {
    for (const [cell, { place }] of [...this.#taken])
      if (place < 0 && !isAmong(taken, cell) && !this.#isCommon(cell)) this.#giveBack(cell);
  }

  /** Gives back all that not every pool asks for. */
  keepCommon(): void {
    for (const cell of [...this.#taken.keys()]) if (!this.#isCommon(cell)) this.#giveBack(cell);
  }

  /** The exchange has ended: gives back its places. */
  end(): void {
    for (const { place } of this.#taken.values()) if (place >= 0) this.#counts.giveBack(place);
    this.#taken.clear();
  }

  #isCommon(cell: LimitCell): boolean {
    return this.#plans.every(({ taken }) => isAmong(taken, cell));
  }

  #giveBack(cell: LimitCell): void {
    const claim = this.#taken.get(cell);
    this.#taken.delete(cell);
    if (claim === undefined) return;
    if (claim.place >= 0) this.#counts.giveBack(claim.place);
    // Its exchange may have waited for its turn, or for an exit, since.
    else this.#counts.refundLate(cell, Math.max(0, this.#now() - claim.takenAt));
  }
}

/** By what is counted: after a reload, or where many are known, the same count has another cell. */
const isAmong = (cells: readonly LimitCell[], { key }: LimitCell): boolean =>
  cells.some((one) => one.key.place === key.place && one.key.print === key.print);
