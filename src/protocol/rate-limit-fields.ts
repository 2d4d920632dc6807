import { Buffer } from 'node:buffer';
import { quoted } from './proxy-status.ts';
import { writeWhole } from './whole-octets.ts';

/** What both fields take of a reply's head together. Clients read heads of 16 KiB (Node), or of 8 KiB. */
const MOST_OCTETS = 4_096;

const SEPARATOR = octetsOf(', ');
const POLICIES = octetsOf('RateLimit-Policy: ');
const RESTS = octetsOf('\r\nRateLimit: ');
const WINDOW = octetsOf(';t=');
const LINE_END = octetsOf('\r\n');

/** What stands of an item of RateLimit behind its beginning: `;t=`, and two numbers of 16 digits. */
const REST_OCTETS = 38;

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
  /** How RateLimit begins to tell what is left of it, behind another one. */
  readonly rest: Uint8Array;
  /** What it takes in both fields at most. */
  readonly octets: number;

  constructor(terms: LimitTerms) {
    const { name, quota, windowS, unit } = terms;
    this.terms = terms;
    const item = quoted(name);
    const measure = unit === 'requests' ? '' : `;qu=${quoted(unit)}`;
    this.rest = octetsOf(`, ${item};r=`);
    this.text = `${item};q=${quota}${windowS === null ? '' : `;w=${windowS}`}${measure}`;
    this.octets = SEPARATOR.length + this.text.length + this.rest.length + REST_OCTETS;
  }
}

/** Policies that are told together again and again: they are put into octets once. */
export class PolicyList {
  readonly policies: readonly LimitPolicy[];
  readonly text: string;
  readonly line: Uint8Array;
  /** What they take in both fields at most. */
  readonly octets: number;

  constructor(policies: readonly LimitPolicy[]) {
    this.policies = policies;
    this.text = policies.map(({ text }) => text).join(', ');
    this.line = octetsOf(this.text);
    this.octets = policies.reduce((sum, { octets }) => sum + octets, 0);
  }

  /** The first of them, as far as they take no more octets. */
  within(octets: number): PolicyList {
    if (this.octets <= octets) return this;
    let [taken, count] = [0, 0];
    for (const policy of this.policies) {
      taken += policy.octets;
      if (taken > octets) break;
      count++;
    }
    return new PolicyList(this.policies.slice(0, count));
  }
}

const NO_POLICIES = new PolicyList([]);

export function limitLine({ policy, left, backInS, lastsS }: LimitState): LimitLine {
  return { ...policy.terms, left, backInS, lastsS };
}

/** An item of RateLimit as it was written last, and where its numbers begin and end. */
interface WrittenItem {
  policy: LimitPolicy | null;
  left: number;
  windowS: number | null;
  leftAt: number;
  end: number;
}

/** How limits stand, as RateLimit-Policy and RateLimit tell it by draft-ietf-httpapi-ratelimit-headers-11 (May 2026): lists of strings
 *  that name a policy, with quota `q`, window `w` (1 at least) and unit `qu` (requests unless told); the available quota `r` and its
 *  effective window `t`: their ratio is no faster than the policy's (§6), and of one that is used up `t` ends with Retry-After. No
 *  partition key (`pk`): whose they are, the client knows. Units of money are not among those of the draft's registry (§10.3): who
 *  doesn't know one can't use the figure, while without a unit it would look like requests. Limits beyond
 *  what a head has room for are left out of both fields.
 *
 *  It stands on every CONNECT's reply, and is written into memory that is used again and again: as texts each figure and each piece
 *  would leave an object. What one reply tells differs from the one before in a few figures, mostly of as many digits: these alone are
 *  written. */
export class RateLimit {
  readonly #policies = fieldOf(POLICIES);
  #policiesEnd = POLICIES.length;
  readonly #rests = fieldOf(RESTS);
  #restsEnd = RESTS.length;
  /** What is told takes in both fields at most. */
  #taken = 0;
  /** What is left is added of these next, and of which. */
  #list = NO_POLICIES;
  #next = 0;
  /** The items that there are now, and all that ever were. So many still stand one behind the other as they were written. */
  #count = 0;
  readonly #items: WrittenItem[] = [];
  #standing = 0;

  /** Begins anew. */
  begin(): this {
    this.#policiesEnd = POLICIES.length;
    this.#restsEnd = RESTS.length;
    this.#taken = this.#count = 0;
    return this;
  }

  /** What was told since, until it begins anew; undefined for nothing. */
  get fields(): this | undefined {
    return this.#taken === 0 ? undefined : this;
  }

  /** What RateLimit-Policy tells. */
  get policies(): string {
    return this.#policies.toString('latin1', POLICIES.length, this.#policiesEnd);
  }

  /** What RateLimit tells. */
  get rests(): string {
    return this.#rests.toString('latin1', RESTS.length, this.#restsEnd);
  }

  /** How many octets the lines of both fields take. */
  get length(): number {
    return this.#policiesEnd + this.#restsEnd + LINE_END.length;
  }

  /** Writes these at `at`. Returns where they end. */
  writeTo(octets: Buffer, at: number): number {
    const restsAt = at + this.#policies.copy(octets, at, 0, this.#policiesEnd);
    return writeOctets(octets, restsAt + this.#rests.copy(octets, restsAt, 0, this.#restsEnd), LINE_END);
  }

  /** Adds the first of these policies, as many as there is room for. What is left of each is added next, in their order. */
  addPolicies(list: PolicyList): void {
    this.#list = list.within(MOST_OCTETS - this.#taken);
    this.#next = 0;
    const { line, octets } = this.#list;
    if (octets === 0) return;
    const at = this.#taken === 0 ? POLICIES.length : writeOctets(this.#policies, this.#policiesEnd, SEPARATOR);
    this.#policies.set(line, at);
    this.#policiesEnd = at + line.length;
    this.#taken += octets;
  }

  /** Adds what is left of the next policy, and its effective window in s; null for none. Nothing where that policy had no room. */
  addRest(left: number, windowS: number | null): void {
    const policy = this.#list.policies[this.#next++];
    if (policy === undefined) return;
    const index = this.#count++;
    const item = this.#items[index] ?? { policy: null, left: 0, windowS: null, leftAt: 0, end: 0 };
    const stands = index < this.#standing && item.policy === policy;
    if (!stands || item.left !== left || item.windowS !== windowS) {
      const to = this.#rests;
      if (!stands) item.leftAt = writeOctets(to, this.#restsEnd, policy.rest, index === 0 ? SEPARATOR.length : 0);
      let end = writeWhole(to, item.leftAt, left);
      if (windowS !== null) end = writeWhole(to, writeOctets(to, end, WINDOW), windowS);
      // What stood behind it has been overwritten, or stands elsewhere.
      if (!stands || item.end !== end) this.#standing = index + 1;
      this.#items[index] = item;
      item.policy = policy;
      item.left = left;
      item.windowS = windowS;
      item.end = end;
    }
    this.#restsEnd = item.end;
  }

  /** Adds all of a limit, if there is room. */
  add({ policy, left, backInS, lastsS }: LimitState): void {
    this.addPolicies(new PolicyList([policy]));
    this.addRest(left, left === 0 ? backInS : lastsS);
  }
}

/** In memory of its own: a Buffer that is kept keeps 8 KiB of others with it. */
function octetsOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Room for a field that begins so. */
function fieldOf(name: Uint8Array): Buffer {
  const octets = Buffer.allocUnsafeSlow(name.length + MOST_OCTETS);
  octets.set(name);
  return octets;
}

/** Writes `piece` from `from` on. Returns where it ends. For so few octets a loop is faster than a call. */
function writeOctets(octets: Uint8Array, at: number, piece: Uint8Array, from = 0): number {
  let end = at;
  for (let i = from; i < piece.length; i++) octets[end++] = piece[i] as number;
  return end;
}
