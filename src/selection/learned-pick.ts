import type { ExitRows } from '../memory/exit-rows.ts';
import type { Parameters } from './parameters.ts';
import type { Buyer, Price } from './price.ts';
import type { PickRequest } from './request.ts';
import { HOLD, NONE } from './request.ts';
import type { Ring, RingSet } from './ring.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

/** Rounds of further draws, where none so far is any good. */
const ROUNDS = 3;

/** A price in ms that no exit in working order has. */
const ABSURD_MS = 15_000;

/** The learned strategy's choice: a few exits drawn from the whole list, and from those remembered, and of them the cheapest. */
export class LearnedPick {
  readonly #rows: ExitRows;
  readonly #price: Price;
  readonly #sites: SiteBeliefs;
  readonly #fast: RingSet;
  readonly #served: RingSet;
  readonly #of: Parameters;
  readonly #random: () => number;
  #best = NONE;
  #bestPrice = Number.POSITIVE_INFINITY;
  #bestOdds = 0;

  constructor(
    parts: {
      readonly rows: ExitRows;
      readonly price: Price;
      readonly sites: SiteBeliefs;
      readonly fast: RingSet;
      readonly served: RingSet;
    },
    options: { readonly parameters: Parameters; readonly random: () => number },
  ) {
    this.#rows = parts.rows;
    this.#price = parts.price;
    this.#sites = parts.sites;
    this.#fast = parts.fast;
    this.#served = parts.served;
    this.#of = options.parameters;
    this.#random = options.random;
  }

  /** A slot, NONE, or HOLD. */
  pick(request: PickRequest, now: number): number {
    const { list, session, retry } = request;
    this.#best = NONE;
    this.#bestPrice = Number.POSITIVE_INFINITY;
    this.#bestOdds = 0;
    if (list.length === 0) return NONE;
    this.#price.turnTo(request.site, list.length, now);
    const stayMs = session === null ? 0 : Math.min(this.#of.sessionAhead, Math.max(0, session.endsInMs));
    const stakesMs = request.excluded.length * this.#of.stakes;
    const buyer = { stayMs, stakesMs, curious: !retry && session === null };
    if (list.length <= this.#of.scan) this.#considerAll(request, buyer, now);
    else this.#considerSome(request, buyer, now);
    return this.#holds(request, now) ? HOLD : this.#best;
  }

  #considerAll(request: PickRequest, buyer: Buyer, now: number): void {
    const { list } = request;
    for (let position = 0; position < list.length; position++) {
      this.#consider(list[position] as number, request, { buyer, now });
    }
  }

  #considerSome(request: PickRequest, buyer: Buyer, now: number): void {
    const of = this.#of;
    const more = request.retry || buyer.stayMs > 0 ? of.more : 0;
    this.#draw(of.uniform + more, request, { buyer, now });
    if (this.#sites.isWatched(request.site)) {
      this.#remember(this.#served.find(servedRing(request)), of.served + more, request, { buyer, now });
    }
    this.#remember(this.#fast.find(request.ring), of.fast + more, request, { buyer, now });
    const last = { buyer: { ...buyer, curious: false }, now };
    for (let round = 0; round < ROUNDS && this.#isPoor(); round++) this.#draw(of.further / ROUNDS, request, last);
    if (this.#best === NONE) this.#considerAll(request, last.buyer, now);
  }

  #isPoor(): boolean {
    return this.#best === NONE || this.#bestOdds < this.#of.poor || this.#bestPrice > ABSURD_MS;
  }

  /** Whether to wait rather than to ask a site that refuses for certain. */
  #holds({ since }: PickRequest, now: number): boolean {
    if (this.#best === NONE || this.#bestOdds >= this.#of.poor) return false;
    return this.#bestOdds < this.#of.never || now - since < this.#of.holdFor;
  }

  #draw(count: number, request: PickRequest, moment: Moment): void {
    const { list, others } = request;
    for (let drawn = 0; drawn < count; drawn++) {
      this.#consider(list[Math.floor(this.#random() * list.length)] as number, request, moment);
    }
    for (const other of others ?? []) {
      for (let drawn = 0; drawn < count && other.length > 0; drawn++) {
        this.#consider(other[Math.floor(this.#random() * other.length)] as number, request, moment);
      }
    }
  }

  #remember(ring: Ring | undefined, count: number, request: PickRequest, moment: Moment): void {
    if (ring === undefined) return;
    for (let drawn = 0; drawn < count && ring.length > 0; drawn++) {
      const position = ring.draw(this.#random);
      const slot = ring.slots[position] as number;
      const isGone = !this.#rows.holds(slot, ring.generationAt(position));
      if (isGone || !request.matches(slot) || this.#isFailing(slot)) {
        ring.drop(position);
        continue;
      }
      this.#consider(slot, request, moment);
      ring.reprice(position, this.#price.standing);
    }
  }

  #isFailing(slot: number): boolean {
    return this.#rows.missesOf(slot) > 1;
  }

  #consider(slot: number, { excluded, allows }: PickRequest, { buyer, now }: Moment): void {
    if (!this.#rows.isOpen(slot) || excluded.includes(slot) || allows?.(slot) === false) return;
    const price = this.#price.of(slot, buyer, now);
    // One that the site probably refuses is taken only where there is no other, however cheap it is.
    const rises = this.#price.odds >= this.#of.poor && this.#bestOdds < this.#of.poor;
    const falls = this.#price.odds < this.#of.poor && this.#bestOdds >= this.#of.poor;
    if (falls || (!rises && price >= this.#bestPrice)) return;
    this.#best = slot;
    this.#bestPrice = price;
    this.#bestOdds = this.#price.odds;
  }
}

interface Moment {
  readonly buyer: Buyer;
  readonly now: number;
}

/** The ring of exits that a site served, for one filter. */
export function servedRing({ site, ring }: { readonly site: number; readonly ring: number }): number {
  return site * 65_536 + (ring % 65_536);
}
