import { Buffer } from 'node:buffer';
import type { Fields } from '../protocol/fields.ts';
import { retryAfterOf } from '../protocol/retry-after.ts';
import { isWithin } from '../protocol/suffix.ts';
import type { BlockRule } from './block-rule.ts';
import { defaultRules } from './challenge-pages.ts';
import { PREFIX_BYTES } from './page-text.ts';
import { unknownVerdict, type Verdict } from './verdict.ts';

/** A response to be judged. */
export interface SeenResponse {
  /** The origin's host, canonical. */
  readonly host: string;
  readonly status: number;
  readonly fields: Fields;
  /** Its length in octets as sent: as declared or as counted; null where it isn't known yet. */
  readonly size: number | null;
}

/** The verdict, or how many octets of content are needed to find it. */
export type Judgement = { readonly verdict: Verdict } | { readonly wantedBytes: number };

/** The rules that a status concerns, and all texts that any of them looks for, as one expression of alternatives: one pass over a
 *  page that holds none of them, instead of one for each. */
interface StatusRules {
  readonly rules: readonly BlockRule[];
  readonly anyText: RegExp;
}

/** Block rules, an operator's before the default ones; the first that holds decides. */
export class BlockRules {
  readonly #rules: readonly BlockRule[];
  /** By status, since most statuses concern few rules. There are at most 900. */
  readonly #byStatus = new Map<number, StatusRules>();

  constructor(own: readonly BlockRule[] = []) {
    this.#rules = [...own, ...defaultRules].map((rule) => ({
      ...rule,
      body: rule.body.map((text) => comparable(Buffer.from(text, 'utf8'))),
    }));
  }

  /** Judges by the head alone where that is enough. */
  judgeHead(response: SeenResponse): Judgement {
    let wantedBytes = 0;
    for (const rule of this.#rulesFor(response.status).rules) {
      if (!headMatches(rule, response)) continue;
      if (rule.body.length > 0 || asksForLength(rule, response)) wantedBytes = Math.max(wantedBytes, wantedOf(rule));
      else if (wantedBytes === 0) return { verdict: verdictBy(rule, response) };
      else break;
    }
    return wantedBytes > 0 ? { wantedBytes } : { verdict: verdictByStatus(response) };
  }

  /** Judges by head and content. `octets` are the content's first, decoded; null where they can't be read. */
  judge(response: SeenResponse, octets: Buffer | null): Verdict {
    const { rules, anyText } = this.#rulesFor(response.status);
    const whole = octets === null ? '' : comparable(octets);
    const text = anyText.test(whole) ? whole : null;
    const found = rules.find(
      (rule) => headMatches(rule, response) && (rule.body.length === 0 || bodyMatches(rule, response, text)),
    );
    return found === undefined ? verdictByStatus(response) : verdictBy(found, response);
  }

  #rulesFor(status: number): StatusRules {
    const known = this.#byStatus.get(status);
    if (known !== undefined) return known;
    const rules = this.#rules.filter((rule) => rule.status.length === 0 || rule.status.includes(status));
    const made = { rules, anyText: alternativesOf(rules.flatMap(({ body }) => body)) };
    this.#byStatus.set(status, made);
    return made;
  }
}

/** Octets as texts are compared: one character for each, letters in lower case. */
const comparable = (octets: Buffer): string => octets.toString('latin1').toLowerCase();

/** Matches any of the texts as they stand: literals alone, so that no page can make it run long. */
const alternativesOf = (texts: readonly string[]): RegExp =>
  texts.length === 0 ? /(?!)/ : new RegExp(texts.map((text) => text.replace(/[^a-z0-9 ]/g, escaped)).join('|'));

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A rule that asks for short content has to see one octet more to know that it isn't. */
const wantedOf = ({ upTo }: BlockRule): number => Math.min(PREFIX_BYTES, upTo === null ? PREFIX_BYTES : upTo + 1);

/** Whether only the content's end, or so much of it, will tell if it is as short as the rule asks for. */
const asksForLength = ({ upTo }: BlockRule, { size }: SeenResponse): boolean => upTo !== null && size === null;

function headMatches(rule: BlockRule, { host, fields, size }: SeenResponse): boolean {
  if (rule.site !== null && !isWithin(host, rule.site)) return false;
  if (rule.upTo !== null && size !== null && size > rule.upTo) return false;
  if (rule.field !== null && !fieldMatches(rule.field, fields)) return false;
  return rule.redirect === null || leadsTo(fields, { host, domain: rule.redirect });
}

function fieldMatches({ name, contains }: { name: string; contains: string }, fields: Fields): boolean {
  const { keys, values } = fields;
  for (let at = keys.indexOf(name); at >= 0; at = keys.indexOf(name, at + 1))
    if (values[at]?.toLowerCase().includes(contains)) return true;
  return false;
}

function leadsTo(fields: Fields, { host, domain }: { host: string; domain: string }): boolean {
  const location = fields.get('location');
  if (location === undefined) return false;
  const base = host.includes(':') ? `http://[${host}]/` : `http://${host}/`;
  const target = URL.parse(location, base)?.hostname.replace(/\.$/, '');
  return target !== undefined && isWithin(target, domain);
}

function bodyMatches(rule: BlockRule, { size }: SeenResponse, text: string | null): boolean {
  if (text === null || (rule.upTo !== null && (size === null || size > rule.upTo))) return false;
  return rule.body.some((wanted) => text.includes(wanted));
}

function verdictBy({ verdict, weight, name }: BlockRule, { fields }: SeenResponse): Verdict {
  return { page: verdict, weight, retryAfterMs: verdict === 'served' ? null : retryAfterOf(fields), rule: name };
}

/** What a status says that no rule knows: content and redirects are what everybody gets; a site that asks for a login or knows no
 *  such page has at least answered; other failures say nothing about the exit. */
function verdictByStatus({ status }: SeenResponse): Verdict {
  if (status < 300) return served;
  if (status < 400 || status === 401 || status === 404 || status === 410) return answered;
  return unknownVerdict;
}

const served: Verdict = Object.freeze({ page: 'served', weight: 1, retryAfterMs: null, rule: null });
const answered: Verdict = Object.freeze({ ...served, weight: 0.5 });
