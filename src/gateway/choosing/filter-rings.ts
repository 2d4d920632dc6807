import type { Exit } from '../../pool/exit.ts';
import { type ExitFilter, filterKey } from '../../pool/exit-filter.ts';

/** Filters come from clients, so those that have a number are bounded; beyond, all are numbered anew, with numbers that nothing remembers. */
const MOST_RINGS = 4096;

/** Numbers the filters by which exits are remembered: the one an exchange asked by, its exit's whole pool, and that pool's exits
 *  in its country, so that what one filter's exchanges find out serves the others. */
export class FilterRings {
  readonly #numbers = new Map<string, number>();
  /** By pool and country. */
  readonly #ofPools = new Map<string, Map<string | undefined, readonly number[]>>();
  /** The same of a filter that many exchanges share: to put its text together costs more than all else here. */
  #ofShared = new WeakMap<ExitFilter, number>();
  #places = 0;
  #next = 0;

  /** The number of a filter, ≥ 0. */
  numberOf(filter: ExitFilter): number {
    const known = this.#ofShared.get(filter);
    if (known !== undefined) return known;
    const number = this.#number(filterKey(filter));
    this.#ofShared.set(filter, number);
    return number;
  }

  /** The rings in which an exit belongs, that of the filter `asked` that found it included. */
  ringsOf(exit: Exit, asked?: number): readonly number[] {
    const own = this.#poolRings(exit);
    return asked === undefined || own.includes(asked) ? own : [...own, asked];
  }

  #poolRings({ pool, geo }: Exit): readonly number[] {
    const known = this.#ofPools.get(pool)?.get(geo.country);
    if (known !== undefined) return known;
    if (this.#places >= MOST_RINGS) this.#forgetPlaces();
    const whole = this.numberOf({ pools: [pool] });
    const rings =
      geo.country === undefined ? [whole] : [whole, this.numberOf({ pools: [pool], country: [geo.country] })];
    const places = this.#ofPools.get(pool) ?? new Map<string | undefined, readonly number[]>();
    this.#ofPools.set(pool, places.set(geo.country, rings));
    this.#places++;
    return rings;
  }

  #forgetPlaces(): void {
    this.#ofPools.clear();
    this.#places = 0;
  }

  #number(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size >= MOST_RINGS) {
      this.#numbers.clear();
      this.#ofShared = new WeakMap();
      this.#forgetPlaces();
    }
    const number = this.#next;
    this.#next = (this.#next + 1) % (4 * MOST_RINGS);
    this.#numbers.set(key, number);
    return number;
  }
}
