import { GatewayError } from '../../errors.ts';
import { type LimitCounts, TAKEN } from '../../policy/limit-counts.ts';
import { type PacedSite, SiteBook } from '../../policy/site-book.ts';
import { countOf } from '../../protocol/count-text.ts';
import type { SiteRule } from '../../protocol/site-rule.ts';
import { type Exchange, NO_PLACE } from '../exchange.ts';
import type { Bounds } from './bounds.ts';
import { SiteQueue, type SiteWaiter } from './site-queue.ts';

/** When an exchange asks, and until when it may wait, in ms of the monotonic clock. */
export interface EntryTimes {
  readonly now: number;
  readonly endsAt: number;
}

export interface SitePacingOptions {
  readonly counts: LimitCounts;
  /** Replaced as a whole by a reload. */
  readonly rules: () => readonly SiteRule[];
  readonly now: () => number;
}

/** How often a place is looked for that another thread may have given back, in ms. */
const LOOK_MS = 5;
/** Who gave back a place while another thread waits for one leaves it so many ms to take it. */
const YIELD_MS = 2 * LOOK_MS;

/** Lets exchanges go to sites no faster than the sites' rules allow; those that are too early wait for their turn. */
export class SitePacing {
  readonly #options: SitePacingOptions;
  readonly #queues = new Map<PacedSite, SiteQueue>();
  /** Queues that wait for a place. */
  readonly #blocked = new Set<SiteQueue>();
  #looking: NodeJS.Timeout | null = null;
  #rules: readonly SiteRule[] | null = null;
  #book: SiteBook;

  constructor(options: SitePacingOptions) {
    this.#options = options;
    this.#book = new SiteBook([], options.counts);
  }

  /** Null where the exchange may go now. Else resolves when its turn has come; rejects with rate_limited when it hasn't by `endsAt` or
   *  within the site's longest wait, or with the reason of the exchange's end. Throws rate_limited where more are to go before it than may
   *  wait, or than can in its time: a client that fills the queue has others wait behind the first of its requests, not behind all. */
  enter(exchange: Exchange, { now, endsAt }: EntryTimes): Promise<void> | null {
    const { bounds, admission } = exchange;
    if (bounds === null || admission === null) return null;
    const site = this.#paceAt(bounds);
    if (site === null) return null;
    exchange.pace = site;
    if (site.rate === null && site.exchanges === null) return null;
    const place = this.#takeNow(site, now);
    if (place !== null) {
      exchange.pacePlace = place;
      return null;
    }
    const { name } = admission.client;
    const before = this.waitingBefore(site, name);
    const mostMs = Math.min(site.waitMs, endsAt - now);
    if (before >= site.queue || before * site.intervalMs > mostMs) throw tooMany(site, before);
    const queue = this.#queues.get(site) ?? this.#openQueue(site);
    const waiter = new Waiter(name, exchange);
    queue.add(waiter);
    queue.look();
    return waiter.hasGone ? null : waitFor(waiter, { exchange, queue, mostMs });
  }

  /** The same for another attempt of an exchange that has entered: the place of the one before is for whoever comes first. */
  enterAgain(exchange: Exchange, times: EntryTimes): Promise<void> | null {
    this.ended(exchange);
    return this.enter(exchange, times);
  }

  /** A turn for an attempt that is run against another of the exchange, where one is free `now`: its place, to be given back; null where
   *  none is. */
  takeRival({ pace }: Exchange, now: number): number | null {
    return pace === null ? NO_PLACE : this.#takeNow(pace, now);
  }

  /** Gives back such a turn, with its place, where nothing came of it. */
  leaveRival(exchange: Exchange, place: number): void {
    const { pace } = exchange;
    if (pace !== null && pace.rate !== null) this.#options.counts.refund(pace.rate);
    this.giveBack(exchange, place);
  }

  /** The pace at which `host`, which belongs to `site`, may be gone to; null where it isn't limited. */
  at(host: string, site: string): PacedSite | null {
    return this.#bookNow().of(host, site);
  }

  /** How many of this thread wait there that would go before one more of the client's. */
  waitingBefore(site: PacedSite, client: string): number {
    return this.#queues.get(site)?.before(client) ?? 0;
  }

  /** Gives back the place that the exchange held. */
  ended(exchange: Exchange): void {
    this.giveBack(exchange, exchange.pacePlace);
    exchange.pacePlace = NO_PLACE;
  }

  /** Gives back a place at the exchange's site. */
  giveBack({ pace }: Exchange, place: number): void {
    if (pace === null || place === NO_PLACE) return;
    const { counts } = this.#options;
    counts.giveBack(place);
    const queue = this.#queues.size === 0 ? undefined : this.#queues.get(pace);
    if (queue === undefined) return;
    if (pace.exchanges !== null && counts.othersWait(pace.exchanges)) queue.yield(YIELD_MS);
    queue.look();
  }

  /** Takes a place and a moment, where nobody waits and both are to be had: most exchanges need no queue. Returns the place. */
  #takeNow(site: PacedSite, now: number): number | null {
    const { counts } = this.#options;
    const { exchanges, rate } = site;
    if ((this.#queues.size > 0 && this.#queues.has(site)) || (exchanges !== null && counts.othersWait(exchanges)))
      return null;
    const place = exchanges === null ? NO_PLACE : counts.take(exchanges, now);
    if (place < TAKEN) return null;
    if (rate === null || counts.take(rate, now) === TAKEN) return place;
    counts.giveBack(place);
    return null;
  }

  #paceAt(bounds: Bounds): PacedSite | null {
    const book = this.#bookNow();
    if (bounds.paceBy === book.edition) return bounds.pace;
    bounds.pace = book.of(bounds.host, bounds.site);
    bounds.paceBy = book.edition;
    return bounds.pace;
  }

  #bookNow(): SiteBook {
    const rules = this.#options.rules();
    if (rules !== this.#rules) {
      this.#rules = rules;
      this.#book = new SiteBook(rules, this.#options.counts);
    }
    return this.#book;
  }

  #openQueue(site: PacedSite): SiteQueue {
    const { counts, now } = this.#options;
    const queue = new SiteQueue(site, {
      counts,
      now,
      blocked: (waiting, isBlocked) => this.#block(waiting, isBlocked),
      empty: (empty) => this.#queues.delete(empty.site),
    });
    this.#queues.set(site, queue);
    // Others were first.
    if (site.exchanges !== null && counts.othersWait(site.exchanges)) queue.yield(YIELD_MS);
    return queue;
  }

  #block(queue: SiteQueue, isBlocked: boolean): void {
    const { exchanges } = queue.site;
    if (exchanges === null || isBlocked === this.#blocked.has(queue)) return;
    this.#options.counts.setWaiting(exchanges, isBlocked);
    if (isBlocked) this.#blocked.add(queue);
    else this.#blocked.delete(queue);
    if (isBlocked) this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    for (const queue of [...this.#blocked]) queue.look();
    if (this.#blocked.size > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }
}

/** Whoever waits, before and after anybody waits for it. */
class Waiter implements SiteWaiter {
  readonly client: string;
  readonly #exchange: Exchange;
  hasGone = false;
  onGo: (() => void) | null = null;

  constructor(client: string, exchange: Exchange) {
    this.client = client;
    this.#exchange = exchange;
  }

  go(place: number): void {
    this.#exchange.pacePlace = place;
    this.hasGone = true;
    this.onGo?.();
  }
}

function waitFor(waiter: Waiter, wait: { exchange: Exchange; queue: SiteQueue; mostMs: number }): Promise<void> {
  const { exchange, queue, mostMs } = wait;
  const { abort } = exchange;
  return new Promise((resolve, reject) => {
    // Whoever has sent its FIN still waits for what was begun for it.
    exchange.queued = exchange.attempts.length === 0;
    const end = (): void => {
      exchange.queued = false;
      clearTimeout(timer);
      abort.removeEventListener('abort', left);
    };
    const leave = (reason: unknown): void => {
      end();
      queue.leave(waiter);
      reject(reason);
    };
    const left = (): void => leave(abort.reason);
    const timer = setTimeout(() => leave(tooMany(queue.site, queue.before(waiter.client))), mostMs);
    waiter.onGo = () => {
      end();
      resolve();
    };
    if (abort.aborted) left();
    else abort.addEventListener('abort', left);
  });
}

/** `before`: how many wait that go before one more of the client's. */
function tooMany({ name, intervalMs }: PacedSite, before: number): GatewayError {
  return new GatewayError('rate_limited', {
    detail: `paced-requests site=${name}: ${countOf(before, 'request')} waiting for an earlier turn`,
    retryAfterS: Math.max(1, (before * intervalMs) / 1_000),
  });
}
