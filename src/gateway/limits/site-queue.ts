import type { Reservation } from '../../memory/gcra.ts';
import type { LimitCounts } from '../../policy/limit-counts.ts';
import type { PacedSite } from '../../policy/site-book.ts';
import { NO_PLACE } from '../exchange.ts';
import { FairTurns } from './fair-turns.ts';

/** Whoever waits for its turn to go to a site. */
export interface SiteWaiter {
  readonly client: string;
  /** Its turn has come, with the place that it gives back at its end (-1 for none). */
  go(place: number): void;
}

export interface SiteQueueOptions {
  readonly counts: LimitCounts;
  readonly now: () => number;
  /** Whether a place is waited for now, which another thread may give back: then `look` must be called again and again. */
  readonly blocked: (queue: SiteQueue, isBlocked: boolean) => void;
  /** Nobody waits here any more. */
  readonly empty: (queue: SiteQueue) => void;
}

/** Those of this thread who wait to go to one site. Of all threads each that has a queue holds the next turn but one at most: turns
 *  are given to threads in the order in which they ask, and within a thread to its clients in turn. A turn is first a place among the
 *  exchanges under way, where these are limited, and then a moment. */
export class SiteQueue {
  readonly site: PacedSite;
  readonly #options: SiteQueueOptions;
  readonly #turns = new FairTurns<SiteWaiter>();
  #place = NO_PLACE;
  #turn: Reservation | null = null;
  #timer: NodeJS.Timeout | null = null;
  #yieldsUntil = 0;

  constructor(site: PacedSite, options: SiteQueueOptions) {
    this.site = site;
    this.#options = options;
  }

  get size(): number {
    return this.#turns.size;
  }

  /** How many would go before one more of this client's, if nobody else came. */
  before(client: string): number {
    return this.#turns.before(client);
  }

  add(waiter: SiteWaiter): void {
    this.#turns.add(waiter.client, waiter);
  }

  /** Takes one out that leaves before its turn. */
  leave(waiter: SiteWaiter): void {
    this.#turns.remove(waiter.client, waiter);
    if (this.size === 0) this.#close();
  }

  /** Takes no place for so many ms: another thread waits for one, and has not had its turn. */
  yield(ms: number): void {
    this.#yieldsUntil = this.#options.now() + ms;
  }

  /** Gives turns to those who wait, as far as there are any now. */
  look(): void {
    if (this.#timer !== null) return;
    while (this.size > 0) {
      const hasPlace = this.#hasPlace();
      this.#options.blocked(this, !hasPlace);
      if (!hasPlace) return;
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        // A timer may fire a little early.
        this.#timer = setTimeout(this.#due, Math.ceil(waitMs) + 1);
        return;
      }
      const place = this.#place;
      this.#place = NO_PLACE;
      this.#turn = null;
      this.#turns.next()?.go(place);
    }
    this.#close();
  }

  readonly #due = (): void => {
    this.#timer = null;
    this.#turn = this.#turn === null ? null : { ...this.#turn, waitMs: 0 };
    this.look();
  };

  #hasPlace(): boolean {
    const { exchanges } = this.site;
    if (exchanges === null || this.#place !== NO_PLACE) return true;
    const { counts, now } = this.#options;
    if (now() < this.#yieldsUntil) return false;
    const place = counts.take(exchanges, now());
    if (place >= 0) this.#place = place;
    return place >= 0;
  }

  #waitMs(): number {
    const { rate } = this.site;
    if (rate === null) return 0;
    const { counts, now } = this.#options;
    this.#turn ??= counts.reserve(rate, now());
    // Without room to count the site, nobody goes there for now.
    return this.#turn?.waitMs ?? 1_000;
  }

  /** Gives back what nobody waits for any more. */
  #close(): void {
    const { counts, empty, blocked } = this.#options;
    blocked(this, false);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#place !== NO_PLACE) counts.giveBack(this.#place);
    this.#place = NO_PLACE;
    if (this.#turn !== null && this.site.rate !== null) counts.cancel(this.site.rate, this.#turn);
    this.#turn = null;
    empty(this);
  }
}
