import type { Parameters } from './parameters.ts';
import { PRIOR_OCTETS } from './site-figures.ts';

/** Hedges that may be owed at once. */
const BURST = 20;

/** Octets whose share may be owed at once, and is from the start: those of 400 ordinary pages. */
const BURST_OCTETS = 400 * PRIOR_OCTETS;

/** What one thread may still spend on second exits: a share of the attempts that began, and a share of the octets that exchanges
 *  carried. It is spent once either is used up; a hedge that costs more than is left of the octets puts them into debt, which
 *  what is carried next pays off first. So a site of large answers is raced too, but as rarely as its octets demand. */
export class HedgeBudget {
  readonly #of: Parameters;
  readonly #mostOctets: number;
  #hedges = 1;
  #octets: number;

  constructor(parameters: Parameters) {
    this.#of = parameters;
    this.#mostOctets = parameters.hedgeOctets * BURST_OCTETS;
    this.#octets = this.#mostOctets;
  }

  get isSpent(): boolean {
    return this.#hedges < 1 || this.#octets <= 0;
  }

  /** An attempt began. */
  began(): void {
    this.#hedges = Math.min(BURST, this.#hedges + this.#of.hedgeShare);
  }

  /** An exchange carried so many octets, both ways. */
  carried(octets: number): void {
    this.#octets = Math.min(this.#mostOctets, this.#octets + octets * this.#of.hedgeOctets);
  }

  /** An attempt is raced by another, which is expected to carry so many octets. */
  spend(octets: number): void {
    this.#hedges--;
    this.#octets -= octets;
  }
}
