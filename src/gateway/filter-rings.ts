import type { Exit } from '../pool/exit.ts';
import { type ExitFilter, filterKey } from '../pool/exit-filter.ts';

/** Filters come from clients, so those that have a number are bounded; beyond, all are numbered anew, with numbers that nothing remembers. */
const MOST_RINGS = 4096;

/** Numbers the filters by which exits are remembered: the one an exchange asked by, its exit's whole pool, and that pool's exits
 *  in its country, so that what one filter's exchanges find out serves the others. */
export class FilterRings {
  readonly #numbers = new Map<string, number>();
  readonly #ofPools = new Map<string, readonly number[]>();
  #next = 0;

  /** The number of a filter, ≥ 0. */
  numberOf(filter: ExitFilter): number {
    return this.#number(filterKey(filter));
  }

  /** The rings in which an exit belongs, that of the filter `asked` that found it included. */
  ringsOf(exit: Exit, asked?: number): readonly number[] {
    const own = this.#poolRings(exit);
    return asked === undefined || own.includes(asked) ? own : [...own, asked];
  }

  #poolRings({ pool, geo }: Exit): readonly number[] {
    const key = `${pool}\n${geo.country ?? ''}`;
    const known = this.#ofPools.get(key);
    if (known !== undefined) return known;
    if (this.#ofPools.size >= MOST_RINGS) this.#ofPools.clear();
    const whole = this.numberOf({ pools: [pool] });
    const rings =
      geo.country === undefined ? [whole] : [whole, this.numberOf({ pools: [pool], country: [geo.country] })];
    this.#ofPools.set(key, rings);
    return rings;
  }

  #number(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size >= MOST_RINGS) {
      this.#numbers.clear();
      this.#ofPools.clear();
    }
    const number = this.#next;
    this.#next = (this.#next + 1) % (4 * MOST_RINGS);
    this.#numbers.set(key, number);
    return number;
  }
}
