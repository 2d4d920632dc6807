import type { ExitRows } from '../memory/exit-rows.ts';
import type { Chance } from './chance.ts';
import type { Parameters } from './parameters.ts';
import type { Price } from './price.ts';
import type { ProviderHealth } from './provider-health.ts';
import type { PickRequest, Slots } from './request.ts';
import { HOLD, NONE } from './request.ts';
import type { Ring, RingSet } from './ring.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

/** Rounds of further draws, where none so far is any good. */
const ROUNDS = 3;

/** A price in ms that no exit in working order has. */
const ABSURD_MS = 15_000;

/** Failures in a row with which an exit is still remembered: one proves nothing. */
const MOST_MISSES = 1;

/** Exits that are looked at where none could be drawn. */
const ENOUGH = 24;

const NO_LISTS: readonly Slots[] = Object.freeze([]);

/** The learned strategy's choice: a few exits drawn from the whole list, and from those remembered, and of them the cheapest. */
export class LearnedPick {
  readonly #rows: ExitRows;
  readonly #price: Price;
  readonly #sites: SiteBeliefs;
  readonly #providers: ProviderHealth;
  readonly #fast: RingSet;
  readonly #served: RingSet;
  readonly #chance: Chance;
  readonly #of: Parameters;
  readonly #random: () => number;
  readonly #buyer = { stayMs: 0, stakesMs: 0, curious: false };
  #best = NONE;
  #bestPrice = Number.POSITIVE_INFINITY;
  #bestOdds = 0;
  /** Whether any provider is closed during this pick. */
  #anyClosed = false;

  constructor(
    parts: {
      readonly rows: ExitRows;
      readonly price: Price;
      readonly sites: SiteBeliefs;
      readonly providers: ProviderHealth;
      readonly fast: RingSet;
      readonly served: RingSet;
      readonly chance: Chance;
    },
    options: { readonly parameters: Parameters; readonly random: () => number },
  ) {
    this.#rows = parts.rows;
    this.#price = parts.price;
    this.#sites = parts.sites;
    this.#providers = parts.providers;
    this.#fast = parts.fast;
    this.#served = parts.served;
    this.#chance = parts.chance;
    this.#of = options.parameters;
    this.#random = options.random;
  }

  /** A slot, NONE, or HOLD. */
  pick(request: PickRequest, now: number): number {
    const { list, others = NO_LISTS, session, retry, excluded } = request;
    this.#chance.roll(this.#random);
    this.#best = NONE;
    this.#bestPrice = Number.POSITIVE_INFINITY;
    this.#bestOdds = 0;
    this.#anyClosed = this.#providers.anyClosed;
    let exits = list.length;
    for (const other of others) exits += other.length;
    if (exits === 0) return NONE;
    this.#price.turnTo(request, exits, now);
    this.#buyer.stayMs = session === null ? 0 : Math.min(this.#of.sessionAhead, Math.max(0, session.endsInMs));
    this.#buyer.stakesMs = retry ? excluded.length * this.#of.stakes : 0;
    this.#buyer.curious = !retry && session === null;
    if (exits <= this.#of.scan && request.loose !== true) this.#considerAll(request, now);
    else this.#considerSome(request, now);
    return this.#holds(request, now) ? HOLD : this.#best;
  }

  #considerAll(request: PickRequest, now: number): void {
    this.#walk(request.list, request, { most: request.list.length, now });
    for (const other of request.others ?? NO_LISTS) this.#walk(other, request, { most: other.length, now });
  }

  /** Those remembered come first: they are cheap, and what is dearer than the best so far costs half a look. */
  #considerSome(request: PickRequest, now: number): void {
    const of = this.#of;
    const more = request.retry || this.#buyer.stayMs > 0 ? of.more : 0;
    this.#remember(this.#fast.find(request.ring), of.fast + more, request, now);
    if (this.#sites.isWatched(request.site)) {
      this.#remember(this.#served.find(servedRing(request)), of.served + more, request, now);
    }
    this.#draw(of.uniform + more, request, now);
    this.#buyer.curious = false;
    for (let round = 0; round < ROUNDS && this.#isPoor(); round++) this.#draw(of.further / ROUNDS, request, now);
    if (this.#best !== NONE || request.loose === true) return;
    for (const list of [request.list, ...(request.others ?? NO_LISTS)])
      this.#walk(list, request, { most: ENOUGH, now });
  }

  #isPoor(): boolean {
    return this.#best === NONE || this.#bestOdds < this.#of.poor || this.#bestPrice > ABSURD_MS;
  }

  /** Whether to wait rather than to ask a site that refuses for certain. One exit is no choice: who has no other wants the site's
   *  own word. */
  #holds({ list, others, since }: PickRequest, now: number): boolean {
    if (list.length === 1 && others === undefined) return false;
    if (this.#best === NONE || this.#bestOdds >= this.#of.poor) return false;
    return this.#bestOdds < this.#of.never || now - since < this.#of.holdFor;
  }

  #draw(count: number, request: PickRequest, now: number): void {
    this.#drawFrom(request.list, request, { count, now });
    for (const other of request.others ?? NO_LISTS) this.#drawFrom(other, request, { count, now });
  }

  #drawFrom(list: Slots, request: PickRequest, { count, now }: { count: number; now: number }): void {
    for (let drawn = 0; drawn < count && list.length > 0; drawn++) {
      this.#consider(slotAt(list, this.#chance.below(list.length)), request, now);
    }
  }

  /** Considers exits of the list one after another, from anywhere in it, until there were `most` that may be picked. */
  #walk(list: Slots, request: PickRequest, { most, now }: { most: number; now: number }): void {
    const start = this.#chance.below(list.length);
    let considered = 0;
    for (let step = 0; step < list.length && considered < most; step++) {
      if (this.#consider(slotAt(list, (start + step) % list.length), request, now)) considered++;
    }
  }

  #remember(ring: Ring | undefined, count: number, request: PickRequest, now: number): void {
    if (ring === undefined) return;
    for (let drawn = 0; drawn < count && ring.length > 0; drawn++) {
      const position = ring.draw(this.#chance);
      const slot = ring.slotAt(position);
      const isHere = this.#rows.holds(slot, ring.generationAt(position)) && request.matches(slot);
      const isDown = this.#anyClosed && this.#providers.isDown(slot);
      if (!isHere || isDown || this.#rows.missesOf(slot) > MOST_MISSES) ring.drop(position);
      else if (this.#consider(slot, request, now)) ring.reprice(position, this.#price.standing);
    }
  }

  /** Takes the exit if it is the best so far; returns whether it may be picked at all. */
  #consider(slot: number, request: PickRequest, now: number): boolean {
    const { excluded, allows, trace } = request;
    if (!this.#rows.isOpen(slot) || allows?.(slot) === false) return false;
    if (this.#anyClosed && !this.#providers.isOpen(slot)) return false;
    if (request.loose === true && !request.matches(slot)) return false;
    // `includes` costs a call for what are three comparisons.
    for (let i = 0; i < excluded.length; i++) if (excluded[i] === slot) return false;
    const hasGood = this.#bestOdds >= this.#of.poor;
    this.#price.look(slot, this.#buyer, now);
    if (hasGood && this.#price.leastMs >= this.#bestPrice) return true;
    const price = this.#price.whole(now);
    trace?.push({ slot, cost: price });
    // One that the site probably refuses is taken only where there is no other, however cheap it is.
    const isGood = this.#price.odds >= this.#of.poor;
    const isBetter = isGood === hasGood ? price < this.#bestPrice : isGood;
    if (!isBetter) return true;
    this.#best = slot;
    this.#bestPrice = price;
    this.#bestOdds = this.#price.odds;
    return true;
  }
}

/** The slot at `index` of a list. Arrays are asked directly: a typed array's own `at` costs half as much as a look at an exit. */
function slotAt(list: Slots, index: number): number {
  return (list as Slots & ArrayLike<number>)[index] ?? (list.at(index) as number);
}

/** The ring of exits that a site served, for one filter. */
export function servedRing({ site, ring }: { readonly site: number; readonly ring: number }): number {
  return site * 65_536 + (ring % 65_536);
}
