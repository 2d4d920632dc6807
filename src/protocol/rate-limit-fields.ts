import { Buffer } from 'node:buffer';
import { quoted } from './proxy-status.ts';
import { writeWhole } from './whole-octets.ts';

/** What both fields take of a reply's head together. Clients read heads of 16 KiB (Node), or of 8 KiB. */
const MOST_OCTETS = 4_096;

const SEPARATOR = Buffer.from(', ');
const WINDOW = Buffer.from(';t=');

/** What stands of an item of RateLimit behind its beginning: the separator, `;t=`, and two numbers of 16 digits. */
const REST_OCTETS = 40;

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
  /** What it takes in both fields at most. */
  readonly octets: number;

  constructor(terms: LimitTerms) {
    const { name, quota, windowS, unit } = terms;
    this.terms = terms;
    const item = quoted(name);
    const measure = unit === 'requests' ? '' : `;qu=${quoted(unit)}`;
    this.rest = Buffer.from(`${item};r=`, 'latin1');
    this.text = `${item};q=${quota}${windowS === null ? '' : `;w=${windowS}`}${measure}`;
    this.octets = SEPARATOR.length + this.text.length + this.rest.length + REST_OCTETS;
  }
}

/** Policies that are told together again and again: their text is made once. */
export class PolicyList {
  readonly #policies: readonly LimitPolicy[];
  readonly text: string;
  readonly octets: number;

  constructor(policies: readonly LimitPolicy[]) {
    this.#policies = policies;
    this.text = policies.map(({ text }) => text).join(', ');
    this.octets = policies.reduce((sum, { octets }) => sum + octets, 0);
  }

  get length(): number {
    return this.#policies.length;
  }

  /** The first of them, as far as they take no more octets. */
  within(octets: number): PolicyList {
    if (this.octets <= octets) return this;
    let [taken, count] = [0, 0];
    for (const policy of this.#policies) {
      taken += policy.octets;
      if (taken > octets) break;
      count++;
    }
    return new PolicyList(this.#policies.slice(0, count));
  }
}

export function limitLine({ policy, left, backInS, lastsS }: LimitState): LimitLine {
  return { ...policy.terms, left, backInS, lastsS };
}

/** What the fields RateLimit-Policy and RateLimit tell. */
export interface RateLimitFields {
  readonly policies: string;
  readonly rests: string;
}

/** How limits stand, as RateLimit-Policy and RateLimit tell it by draft-ietf-httpapi-ratelimit-headers-11 (May 2026): lists of strings
 *  that name a policy, with quota `q`, window `w` (1 at least) and unit `qu` (requests unless told); the available quota `r` and its
 *  effective window `t`: their ratio is no faster than the policy's (§6), and of one that is used up `t` ends with Retry-After. No
 *  partition key (`pk`): whose they are, the client knows. Units of money are not among those of the draft's registry (§10.3): who
 *  doesn't know one can't use the figure, while without a unit it would look like requests. Limits beyond
 *  what a head has room for are left out of both fields.
 *
 *  It stands on every CONNECT's reply, and is written into memory that is used again and again: as texts each figure and each piece
 *  would leave an object. */
export class RateLimit {
  #policies = '';
  /** What the policies take in both fields. */
  #taken = 0;
  readonly #octets = Buffer.allocUnsafeSlow(MOST_OCTETS);
  #at = 0;

  /** Begins anew. */
  begin(): this {
    this.#policies = '';
    this.#taken = this.#at = 0;
    return this;
  }

  /** What was told since; undefined for nothing. */
  get fields(): RateLimitFields | undefined {
    if (this.#policies === '') return undefined;
    return { policies: this.#policies, rests: this.#octets.toString('latin1', 0, this.#at) };
  }

  /** Adds the first of these policies, as many as there is room for. Returns how many: what is left of them is added next. */
  addPolicies(list: PolicyList): number {
    const told = list.within(MOST_OCTETS - this.#taken);
    if (told.length > 0) this.#addText(told);
    return told.length;
  }

  /** Adds what is left of a limit whose policy was added, and its effective window in s; null for none. */
  addRest({ rest }: LimitPolicy, left: number, windowS: number | null): void {
    if (this.#at > 0) this.#write(SEPARATOR);
    this.#write(rest);
    this.#at = writeWhole(this.#octets, this.#at, left);
    if (windowS === null) return;
    this.#write(WINDOW);
    this.#at = writeWhole(this.#octets, this.#at, windowS);
  }

  /** Adds all of a limit, if there is room. */
  add({ policy, left, backInS, lastsS }: LimitState): void {
    if (policy.octets > MOST_OCTETS - this.#taken) return;
    this.#addText(policy);
    this.addRest(policy, left, left === 0 ? backInS : lastsS);
  }

  #addText({ text, octets }: LimitPolicy | PolicyList): void {
    this.#policies = this.#policies === '' ? text : `${this.#policies}, ${text}`;
    this.#taken += octets;
  }

  /** For so few octets a loop is faster than a call. */
  #write(octets: Uint8Array): void {
    const to = this.#octets;
    let at = this.#at;
    for (let i = 0; i < octets.length; i++) to[at++] = octets[i] as number;
    this.#at = at;
  }
}
