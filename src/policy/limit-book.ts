import { flowPaceOf, type Pace, paceOf } from '../memory/gcra.ts';
import type { LimitRule } from '../protocol/limit-rule.ts';
import type { Rate } from '../protocol/rule-text.ts';
import { type Candidate, RuleChoice, type RulesOf, rulesInOrder } from './rule-choice.ts';
import { conditionText, type RuleFacts } from './rule-conditions.ts';

/** One limit of one client, as it is counted. */
export interface Limit {
  readonly kind: LimitKind;
  /** What it is called in replies: its kind, and what it is about. */
  readonly name: string;
  /** Names its count among all that are counted: another for another client, rule or pace. */
  readonly key: string;
  /** Whether every site has a count of its own. */
  readonly perSite: boolean;
  /** Whose sites they are, where it is per site: the client's, or all clients' (empty); of exits that rest, their rule's. Of each no more
   *  are counted than its share. */
  readonly owner: string;
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

/** The limits of one client: of each kind the first that fits holds. */
export class ClientLimits {
  readonly #choice: RuleChoice<Limit>;

  constructor(client: string, rules: RulesOf<LimitRule>) {
    const inOrder = rulesInOrder(rules);
    const kinds = KINDS.map((kind) => inOrder.flatMap((rule) => candidateOf(client, rule, kind)));
    this.#choice = new RuleChoice(kinds.filter((candidates) => candidates.length > 0));
  }

  /** The limits of an exchange, those that hold a place first, and that of bandwidth last. */
  of(facts: RuleFacts): readonly Limit[] {
    return this.#choice.of(facts);
  }

  /** Whether the pool that an exchange leaves by may matter. */
  get isByPool(): boolean {
    return this.#choice.isByPool;
  }

  /** All that may hold for some exchange and have one count, whatever the site. */
  get all(): readonly Limit[] {
    return this.#choice.all.filter(({ perSite }) => !perSite);
  }
}

function candidateOf(client: string, rule: LimitRule, kind: LimitKind): Candidate<Limit>[] {
  const value = rule[kind];
  if (value === undefined) return [];
  const name = `${WORDS[kind]}${conditionText(rule)}`;
  const perSite = kind === 'siteRequests' || kind === 'siteExchanges';
  const common = { kind, name, perSite, owner: client };
  if (kind === 'bandwidth' && typeof value === 'number') {
    const key = `${client}\n${name}\n${value}`;
    return [{ rule, value: { ...common, key, most: value, pace: flowPaceOf(value) } }];
  }
  if (typeof value === 'number') {
    return [{ rule, value: { ...common, key: `${client}\n${name}`, most: value, pace: null } }];
  }
  const key = `${client}\n${name}\n${rateText(value)}`;
  return [{ rule, value: { ...common, key, most: value.burst, pace: paceOf(value) } }];
}

const rateText = ({ count, windowMs, burst }: Rate): string => `${count}/${windowMs} ${burst}`;
