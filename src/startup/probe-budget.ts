/** Where spending is kept, day by day; see ProbeSpending. */
export interface SpendingBook {
  of(day: string): Map<string, number>;
  add(day: string, pool: string, octets: number): void;
}

/** A part of the day's budget that a probe holds until its cost is known. */
export interface Reservation {
  readonly day: string;
  readonly pool: string;
  readonly octets: number;
}

/** How much of the day's budget those probes may use that can wait: a part at once, the rest as the day goes by. */
const AT_ONCE = 0.25;

export interface ProbeBudgetOptions {
  readonly book: SpendingBook;
  /** The name of the day that it is, and the share of it that is over, 0…1. */
  readonly day: () => { readonly name: string; readonly over: number };
  readonly warn: (line: string) => void;
}

/** Budgets for a day, in octets. A probe begins only where the most that it can cost fits into what is left: that is booked before
 *  it begins, on the disk, and given back as far as it wasn't needed. So no end of a process, and nothing that an exit does, makes
 *  a day cost more than its budget. */
export class ProbeBudget {
  readonly #options: ProbeBudgetOptions;
  #day = '';
  #spent = new Map<string, number>();
  #troubled = false;

  constructor(options: ProbeBudgetOptions) {
    this.#options = options;
  }

  /** Octets spent today, those under way at their most. */
  spent(pool: string): number {
    this.#turnPage();
    return this.#spent.get(pool) ?? 0;
  }

  /** Takes `octets` of the pool's budget, or returns null. What `mayWait` is spread over the day. Never throws. */
  reserve(
    pool: string,
    octets: number,
    { budget, mayWait }: { readonly budget: number; readonly mayWait: boolean },
  ): Reservation | null {
    const { over } = this.#options.day();
    const open = mayWait ? budget * Math.min(1, AT_ONCE + (1 - AT_ONCE) * over) : budget;
    // A small budget still is one: its first probe need not wait for the evening.
    const spent = this.spent(pool);
    if (this.#day === '' || spent + octets > budget || (spent > 0 && spent + octets > open)) return null;
    const reservation = { day: this.#day, pool, octets };
    return this.#book(reservation, octets) ? reservation : null;
  }

  /** The probe has cost so much. */
  settle(reservation: Reservation, cost: number): void {
    this.#book(reservation, cost - reservation.octets);
  }

  #book({ day, pool }: Pick<Reservation, 'day' | 'pool'>, octets: number): boolean {
    try {
      this.#options.book.add(day, pool, octets);
    } catch (cause) {
      if (!this.#troubled) this.#options.warn(`no probes, because what they cost can't be booked: ${cause}`);
      this.#troubled = true;
      return false;
    }
    this.#troubled = false;
    if (day === this.#day) this.#spent.set(pool, Math.max(0, (this.#spent.get(pool) ?? 0) + octets));
    return true;
  }

  /** A clock that goes back a day finds what that day has cost. */
  #turnPage(): void {
    const { name } = this.#options.day();
    if (name === this.#day) return;
    try {
      this.#spent = this.#options.book.of(name);
      this.#day = name;
    } catch (cause) {
      // Until the book can be read the day counts as spent.
      if (!this.#troubled) this.#options.warn(`no probes, because what they have cost can't be read: ${cause}`);
      this.#troubled = true;
      this.#day = '';
      this.#spent = new Map();
    }
  }
}
