import { type Random, streamOf, weighted } from './draws.ts';
import { disguisedShare, type SiteClass, unrecognisableShare, type WorldSpec } from './spec.ts';

/** What a site makes of a request. `refused`: a 403 or 429; `challenged`: a challenge page with status 200; `disguised`: a page
 *  with status 200 that looks like nothing known. Only `page` is what was asked for. */
export type Verdict = 'page' | 'refused' | 'challenged' | 'disguised';

/** The side of an exit that sites see. */
export interface Address {
  readonly number: number;
  readonly dirt: number;
}

/** What a site remembers of one address. */
interface Bucket {
  tokens: number;
  filledAt: number;
  bannedUntil: number;
  strikes: number;
}

/** A site as it truly is: the class it belongs to, with limits of its own around those of the class, and a token bucket per
 *  address. `now` is ms since the world began. */
export class SiteTruth {
  readonly number: number;
  readonly serviceMs: number;
  readonly rules: SiteClass;
  readonly #seed: number;
  readonly #luck: Random;
  readonly #buckets = new Map<number, Bucket>();

  constructor(number: number, { sites: { classes } }: WorldSpec, seed: number) {
    const random = streamOf(seed, 4, number);
    const drawn =
      classes[
        weighted(
          random,
          classes.map(({ share }) => share),
        )
      ];
    if (drawn === undefined) throw new RangeError('a world needs classes of sites');
    const own = 0.6 + 0.8 * random();
    this.number = number;
    this.serviceMs = drawn.serviceMs * own;
    this.rules = {
      ...drawn,
      bucket: Math.max(1, Math.round(drawn.bucket * own)),
      refillPerMinute: drawn.refillPerMinute * own,
      coolMs: drawn.coolMs * own,
      burntShare: Math.min(0.95, drawn.burntShare * own),
    };
    this.#seed = seed;
    this.#luck = streamOf(seed, 5, number);
  }

  /** Judges a request from `address` and counts it. */
  judge(address: Address, now: number): Verdict {
    const challenged = this.#luck() < this.rules.challengeShare;
    if (!challenged && !this.isBurnt(address) && this.#takeToken(address, now)) return 'page';
    if (this.#luck() >= disguisedShare) return 'refused';
    return this.#luck() < unrecognisableShare ? 'disguised' : 'challenged';
  }

  /** Whether the site refuses the address whatever it does. */
  isBurnt({ number, dirt }: Address): boolean {
    const { burntShare } = this.rules;
    return burntShare > 0 && streamOf(this.#seed, 6, this.number, number)() < Math.min(0.97, burntShare * dirt);
  }

  /** Requests that the address may still make now; 0 while it is banned. */
  tokensOf({ number }: Address, now: number): number {
    const bucket = this.#buckets.get(number);
    if (bucket === undefined) return this.rules.bucket;
    return bucket.bannedUntil > now ? 0 : this.#filled(bucket, now);
  }

  #takeToken({ number }: Address, now: number): boolean {
    if (this.rules.bucket === Infinity) return true;
    const fresh = { tokens: this.rules.bucket, filledAt: now, bannedUntil: 0, strikes: 0 };
    const bucket = this.#buckets.get(number) ?? fresh;
    this.#buckets.set(number, bucket);
    if (bucket.bannedUntil > now) {
      if (this.rules.prolongs) bucket.bannedUntil = Math.max(bucket.bannedUntil, now + this.rules.coolMs / 2);
      return false;
    }
    const tokens = this.#filled(bucket, now);
    bucket.filledAt = now;
    bucket.tokens = tokens - 1;
    if (tokens >= 1) return true;
    bucket.bannedUntil = now + this.rules.coolMs * 2 ** Math.min(3, bucket.strikes++);
    // What comes after the ban starts from a full bucket.
    bucket.tokens = this.rules.bucket;
    bucket.filledAt = bucket.bannedUntil;
    return false;
  }

  #filled({ tokens, filledAt }: Bucket, now: number): number {
    const gained = (Math.max(0, now - filledAt) / 60_000) * this.rules.refillPerMinute;
    return Math.min(this.rules.bucket, tokens + gained);
  }
}
