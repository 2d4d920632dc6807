import { Buffer } from 'node:buffer';
import type { Fields } from '../protocol/fields.ts';
import { retryAfterOf } from '../protocol/retry-after.ts';
import type { BlockRule } from './block-rule.ts';
import { defaultRules } from './challenge-pages.ts';
import { PREFIX_BYTES } from './page-text.ts';
import { isWithin } from './suffix.ts';
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

interface CompiledRule extends BlockRule {
  readonly patterns: readonly Buffer[];
}

/** Block rules, an operator's before the default ones; the first that holds decides. */
export class BlockRules {
  readonly #rules: readonly CompiledRule[];
  /** By status, since most statuses concern few rules. There are at most 900. */
  readonly #byStatus = new Map<number, readonly CompiledRule[]>();

  constructor(own: readonly BlockRule[] = []) {
    this.#rules = [...own, ...defaultRules].map((rule) => ({ ...rule, patterns: rule.body.map(patternOf) }));
  }

  /** Judges by the head alone where that is enough. */
  judgeHead(response: SeenResponse): Judgement {
    let wantedBytes = 0;
    for (const rule of this.#rulesFor(response.status)) {
      if (!headMatches(rule, response)) continue;
      if (rule.patterns.length > 0) wantedBytes = Math.max(wantedBytes, wantedOf(rule));
      else if (wantedBytes === 0) return { verdict: verdictBy(rule, response) };
      else break;
    }
    return wantedBytes > 0 ? { wantedBytes } : { verdict: verdictByStatus(response) };
  }

  /** Judges by head and content. `text` is the content's first octets, decoded, as lowerAscii() gives them; null where they can't
   *  be read. */
  judge(response: SeenResponse, text: Buffer | null): Verdict {
    const found = this.#rulesFor(response.status).find(
      (rule) => headMatches(rule, response) && (rule.patterns.length === 0 || bodyMatches(rule, response, text)),
    );
    return found === undefined ? verdictByStatus(response) : verdictBy(found, response);
  }

  #rulesFor(status: number): readonly CompiledRule[] {
    const known = this.#byStatus.get(status);
    if (known !== undefined) return known;
    const rules = this.#rules.filter((rule) => rule.status.length === 0 || rule.status.includes(status));
    this.#byStatus.set(status, rules);
    return rules;
  }
}

/** A copy with ASCII letters in lower case, as texts of rules are compared. */
export function lowerAscii(octets: Buffer): Buffer {
  const lower = Buffer.from(octets);
  for (let i = 0; i < lower.length; i++) {
    const octet = lower[i] ?? 0;
    if (octet >= 0x41 && octet <= 0x5a) lower[i] = octet + 0x20;
  }
  return lower;
}

const patternOf = (text: string): Buffer => lowerAscii(Buffer.from(text, 'utf8'));

/** A rule that asks for short content has to see one octet more to know that it isn't. */
const wantedOf = ({ upTo }: BlockRule): number => Math.min(PREFIX_BYTES, upTo === null ? PREFIX_BYTES : upTo + 1);

function headMatches(rule: BlockRule, { host, fields, size }: SeenResponse): boolean {
  if (rule.site !== null && !isWithin(host, rule.site)) return false;
  if (rule.upTo !== null && size !== null && size > rule.upTo) return false;
  if (rule.field !== null && !fieldMatches(rule.field, fields)) return false;
  return rule.redirect === null || leadsTo(fields, { host, domain: rule.redirect });
}

function fieldMatches({ name, contains }: { name: string; contains: string }, fields: Fields): boolean {
  if (!fields.has(name)) return false;
  return contains === '' || fields.all(name).some((value) => value.toLowerCase().includes(contains));
}

function leadsTo(fields: Fields, { host, domain }: { host: string; domain: string }): boolean {
  const location = fields.get('location');
  if (location === undefined) return false;
  const base = host.includes(':') ? `http://[${host}]/` : `http://${host}/`;
  const target = URL.parse(location, base)?.hostname.replace(/\.$/, '');
  return target !== undefined && isWithin(target, domain);
}

function bodyMatches(rule: CompiledRule, { size }: SeenResponse, text: Buffer | null): boolean {
  if (text === null || (rule.upTo !== null && (size === null || size > rule.upTo))) return false;
  return rule.patterns.some((pattern) => text.includes(pattern));
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
