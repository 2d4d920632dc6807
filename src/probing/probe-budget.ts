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

/** What is booked ahead whenever something has to be booked, as a part of the budget. */
const AHEAD = 0.01;

/** What is booked and not needed is given back after so long, in ms. */
const GIVE_BACK_MS = 30_000;

export interface ProbeBudgetOptions {
  readonly book: SpendingBook;
  /** The name of the day that it is, and the share of it that is over, 0…1. */
  readonly day: () => { readonly name: string; readonly over: number };
  readonly warn: (line: string) => void;
}

/** Octets of one pool today: those spent, with what is under way at its most, and those that the book counts as spent. */
interface Account {
  spent: number;
  booked: number;
}

/** Budgets for a day, in octets. A probe begins only where the most that it can cost fits into what is left, and is booked on the
 *  disk: a little more than that, so that the next ones need no booking. What isn't needed is given back now and then, and at the
 *  end. So no end of a process, and nothing that an exit does, makes a day cost more than its budget; a kill makes it buy less, by
 *  what was booked ahead. */
export class ProbeBudget {
  readonly #options: ProbeBudgetOptions;
  #day = '';
  #accounts = new Map<string, Account>();
  #troubled = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ProbeBudgetOptions) {
    this.#options = options;
  }

  /** Octets spent today, those under way at their most. */
  spent(pool: string): number {
    this.#turnPage();
    return this.#accounts.get(pool)?.spent ?? 0;
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
    const account = this.#accountOf(pool);
    const missing = spent + octets - account.booked;
    const ahead = Math.min(missing + Math.floor(budget * AHEAD), budget - account.booked);
    if (missing > 0 && !this.#book(this.#day, pool, ahead)) return null;
    account.spent += octets;
    return { day: this.#day, pool, octets };
  }

  /** The probe has cost so much. */
  settle({ day, pool, octets }: Reservation, cost: number): void {
    if (day !== this.#day) {
      this.#book(day, pool, cost - octets);
      return;
    }
    const account = this.#accountOf(pool);
    account.spent = Math.max(0, account.spent + cost - octets);
    if (account.spent > account.booked) this.#book(day, pool, account.spent - account.booked);
    this.#timer ??= setTimeout(() => this.giveBack(), GIVE_BACK_MS).unref();
  }

  /** Books no more than what is spent. Never throws. */
  giveBack(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [pool, { spent, booked }] of this.#accounts) {
      if (booked !== spent) this.#book(this.#day, pool, spent - booked);
    }
  }

  #accountOf(pool: string): Account {
    const account = this.#accounts.get(pool) ?? { spent: 0, booked: 0 };
    this.#accounts.set(pool, account);
    return account;
  }

  #book(day: string, pool: string, octets: number): boolean {
    try {
      this.#options.book.add(day, pool, octets);
    } catch (cause) {
      if (!this.#troubled) this.#options.warn(`no probes, because what they cost can't be booked: ${cause}`);
      this.#troubled = true;
      return false;
    }
    this.#troubled = false;
    if (day === this.#day) this.#accountOf(pool).booked += octets;
    return true;
  }

  /** A clock that goes back a day finds what that day has cost. */
  #turnPage(): void {
    const { name } = this.#options.day();
    if (name === this.#day) return;
    this.giveBack();
    try {
      const booked = this.#options.book.of(name);
      this.#accounts = new Map([...booked].map(([pool, octets]) => [pool, { spent: octets, booked: octets }]));
      this.#day = name;
    } catch (cause) {
      // Until the book can be read the day counts as spent.
      if (!this.#troubled) this.#options.warn(`no probes, because what they have cost can't be read: ${cause}`);
      this.#troubled = true;
      this.#day = '';
      this.#accounts = new Map();
    }
  }
}
