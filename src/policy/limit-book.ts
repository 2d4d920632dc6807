import { flowPaceOf, type Pace, paceOf } from '../memory/gcra.ts';
import type { LimitRule } from '../protocol/limit-rule.ts';
import type { Rate } from '../protocol/rule-text.ts';
import { bySpecificity, conditionsOf, conditionText, isAbout, type RuleFacts } from './rule-conditions.ts';

/** One limit of one client, as it is counted. */
export interface Limit {
  readonly kind: LimitKind;
  /** What it is called in replies: its kind, and what it is about. */
  readonly name: string;
  /** Names its count among all that are counted: another for another client, rule or pace. */
  readonly key: string;
  /** Whether every site has a count of its own. */
  readonly perSite: boolean;
  /** How many may come at once, or be under way at once. */
  readonly most: number;
  /** The pace at which they may come; null for a limit of exchanges under way. */
  readonly pace: Pace | null;
}

export type LimitKind = 'requests' | 'siteRequests' | 'exchanges' | 'siteExchanges' | 'bandwidth';

/** Refusals for want of a place come first: those for want of a rate would have spent it. */
const KINDS: readonly LimitKind[] = ['exchanges', 'siteExchanges', 'requests', 'siteRequests', 'bandwidth'];
const WORDS: Readonly<Record<LimitKind, string>> = {
  exchanges: 'exchanges',
  siteExchanges: 'site-exchanges',
  requests: 'requests',
  siteRequests: 'site-requests',
  bandwidth: 'bandwidth',
};

interface Candidate {
  readonly rule: LimitRule;
  readonly limit: Limit;
}

/** The limits of one client: its own rules go before those of everyone, of either those that are about fewer exchanges go first, and
 *  of each kind the first that fits holds. */
export class ClientLimits {
  readonly #candidates: readonly (readonly Candidate[])[];
  /** What all its exchanges have, where no rule is about some of them only. */
  readonly #same: readonly Limit[] | null;

  constructor(client: string, rules: { readonly own: readonly LimitRule[]; readonly everyone: readonly LimitRule[] }) {
    const inOrder = [...bySpecificity(rules.own), ...bySpecificity(rules.everyone)];
    this.#candidates = KINDS.map((kind) => inOrder.flatMap((rule) => candidateOf(client, rule, kind))).filter(
      (candidates) => candidates.length > 0,
    );
    const firsts = this.#candidates.flatMap((candidates) => candidates.slice(0, 1));
    const isSame = firsts.every(({ rule }) => conditionsOf(rule) === 0);
    this.#same = isSame ? firsts.map(({ limit }) => limit) : null;
  }

  /** The limits of an exchange, those that hold a place first, and that of bandwidth last. */
  of(facts: RuleFacts): readonly Limit[] {
    if (this.#same !== null) return this.#same;
    const limits: Limit[] = [];
    for (const candidates of this.#candidates) {
      for (const { rule, limit } of candidates) {
        if (!isAbout(rule, facts)) continue;
        limits.push(limit);
        break;
      }
    }
    return limits;
  }

  /** Every limit that has one count, whatever the site. */
  get all(): readonly Limit[] {
    return this.#candidates.flat().flatMap(({ limit }) => (limit.perSite ? [] : [limit]));
  }
}

function candidateOf(client: string, rule: LimitRule, kind: LimitKind): Candidate[] {
  const value = rule[kind];
  if (value === undefined) return [];
  const name = `${WORDS[kind]}${conditionText(rule)}`;
  const perSite = kind === 'siteRequests' || kind === 'siteExchanges';
  if (kind === 'bandwidth' && typeof value === 'number') {
    const key = `${client}\n${name}\n${value}`;
    return [{ rule, limit: { kind, name, key, perSite, most: value, pace: flowPaceOf(value) } }];
  }
  if (typeof value === 'number') {
    const limit = { kind, name, key: `${client}\n${name}`, perSite, most: value, pace: null };
    return [{ rule, limit }];
  }
  const key = `${client}\n${name}\n${rateText(value)}`;
  return [{ rule, limit: { kind, name, key, perSite, most: value.burst, pace: paceOf(value) } }];
}

const rateText = ({ count, windowMs, burst }: Rate): string => `${count}/${windowMs} ${burst}`;
