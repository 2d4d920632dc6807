import { type ClientRules, namesAddress, type Rule, RuleSet } from './rule.ts';

/** The rules that hold for one pool, each question with those that can answer it. */
export interface PoolRules {
  readonly deny: RuleSet;
  /** With `cidr`, or an address as `host`: they open closed addresses. */
  readonly allowAddresses: RuleSet;
  /** By name alone: they open closed names. */
  readonly allowNames: RuleSet;
  /** With `port`: they open closed ports. */
  readonly allowPorts: RuleSet;
}

/** Rules compiled for every pool at once, so that judging compares none of another pool. */
export class RuleBook {
  readonly #pools = new Map<string, PoolRules>();
  readonly #others: PoolRules;

  /** Throws RangeError where a rule's cidr is no range. */
  constructor(rules: ClientRules) {
    const named = [...rules.allow, ...rules.deny].map((rule) => rule.pool).filter((pool) => pool !== undefined);
    for (const pool of new Set(named)) this.#pools.set(pool, compile(rules, pool));
    this.#others = compile(rules, undefined);
  }

  of(pool: string): PoolRules {
    return this.#pools.get(pool) ?? this.#others;
  }
}

function compile(rules: ClientRules, pool: string | undefined): PoolRules {
  const holds = (rule: Rule) => rule.pool === undefined || rule.pool === pool;
  const allow = rules.allow.filter(holds);
  return {
    deny: new RuleSet(rules.deny.filter(holds)),
    allowAddresses: new RuleSet(allow.filter(namesAddress)),
    allowNames: new RuleSet(allow.filter(namesOnlyName)),
    allowPorts: new RuleSet(allow.filter((rule) => rule.port !== undefined)),
  };
}

function namesOnlyName(rule: Rule): boolean {
  return (rule.host ?? rule.suffix) !== undefined && !namesAddress(rule);
}
