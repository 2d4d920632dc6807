import { Buffer } from 'node:buffer';
import { quoted } from './proxy-status.ts';
import { writeWhole } from './whole-octets.ts';

/** What of a limit doesn't change with its use. */
export interface LimitTerms {
  readonly name: string;
  /** How much there is at once, or in a window. */
  readonly quota: number;
  /** In which time all of it comes back, in s; null where that is up to those under way. */
  readonly windowS: number | null;
  readonly unit: 'requests' | 'concurrent-requests' | 'content-bytes' | `micro-${string}`;
}

/** How much of a limit is left. */
export interface LimitRest {
  readonly left: number;
  /** After how many s all of it is back, or, where nothing is left, some of it: the time that Retry-After tells. Null where that is up
   *  to those under way. */
  readonly backInS: number | null;
  /** For how many s what is left has to do, if it is used no faster than it comes back. Null as above. */
  readonly lastsS: number | null;
}

/** One limit as people and programs are told of it. */
export interface LimitLine extends LimitTerms, LimitRest {}

/** One limit as replies tell it: its terms are put into words once. */
export interface LimitState extends LimitRest {
  readonly policy: LimitPolicy;
}

/** Terms, and how they stand in RateLimit-Policy. */
export class LimitPolicy {
  readonly terms: LimitTerms;
  readonly text: string;
  /** How RateLimit begins to tell what is left of it. */
  readonly rest: Uint8Array;

  constructor(terms: LimitTerms) {
    const { name, quota, windowS, unit } = terms;
    this.terms = terms;
    const item = quoted(name);
    const measure = unit === 'requests' ? '' : `;qu=${quoted(unit)}`;
    this.rest = Buffer.from(`${item};r=`, 'latin1');
    this.text = `${item};q=${quota}${windowS === null ? '' : `;w=${windowS}`}${measure}`;
  }
}

export function limitLine({ policy, left, backInS, lastsS }: LimitState): LimitLine {
  return { ...policy.terms, left, backInS, lastsS };
}

/** Several policies, as RateLimit-Policy tells them. */
export const policiesText = (policies: readonly LimitPolicy[]): string => policies.map(({ text }) => text).join(', ');

/** What the fields RateLimit-Policy and RateLimit tell. */
export interface RateLimitFields {
  readonly policies: string;
  readonly rests: string;
}

const SEPARATOR = Buffer.from(', ');
const WINDOW = Buffer.from(';t=');

/** What stands of an item beside its policy: the separator, `;t=`, and two numbers of 16 digits. */
const ITEM_OCTETS = 40;

/** How limits stand, as RateLimit-Policy and RateLimit tell it by draft-ietf-httpapi-ratelimit-headers-11 (May 2026): lists of strings
 *  that name a policy, with quota `q`, window `w` (1 at least) and unit `qu` (requests unless told); the available quota `r` and its
 *  effective window `t`: their ratio is no faster than the policy's (§6), and of one that is used up `t` ends with Retry-After. No
 *  partition key (`pk`): whose they are, the client knows. Units of money are not among those of the draft's registry (§10.3): who
 *  doesn't know one can't use the figure, while without a unit it would look like requests.
 *
 *  It stands on every CONNECT's reply, and is written into memory that is used again and again: as texts each figure and each piece
 *  would leave an object. */
export class RateLimit {
  #policies = '';
  #octets = Buffer.allocUnsafeSlow(512);
  #at = 0;

  /** Begins anew. */
  begin(): this {
    this.#policies = '';
    this.#at = 0;
    return this;
  }

  /** What was told since; undefined for nothing. */
  get fields(): RateLimitFields | undefined {
    if (this.#policies === '') return undefined;
    return { policies: this.#policies, rests: this.#octets.toString('latin1', 0, this.#at) };
  }

  /** Adds policies by their text, which is the same each time; what is left of them is added next. Empty for none. */
  addPolicies(text: string): void {
    if (text === '') return;
    this.#policies = this.#policies === '' ? text : `${this.#policies}, ${text}`;
  }

  /** Adds what is left of a limit, and its effective window in s; null for none. */
  addRest({ rest }: LimitPolicy, left: number, windowS: number | null): void {
    this.#reserve(rest.length + ITEM_OCTETS);
    if (this.#at > 0) this.#write(SEPARATOR);
    this.#write(rest);
    this.#at = writeWhole(this.#octets, this.#at, left);
    if (windowS === null) return;
    this.#write(WINDOW);
    this.#at = writeWhole(this.#octets, this.#at, windowS);
  }

  /** Adds all of a limit. */
  add(state: LimitState): void {
    this.addPolicies(state.policy.text);
    const { policy, left, backInS, lastsS } = state;
    this.addRest(policy, left, left === 0 ? backInS : lastsS);
  }

  /** For so few octets a loop is faster than a call. */
  #write(octets: Uint8Array): void {
    const to = this.#octets;
    let at = this.#at;
    for (let i = 0; i < octets.length; i++) to[at++] = octets[i] as number;
    this.#at = at;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#octets.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.#at + more));
    grown.set(this.#octets.subarray(0, this.#at));
    this.#octets = grown;
  }
}
