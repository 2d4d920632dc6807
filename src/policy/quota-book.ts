import type { Allotment, Measure, Period, QuotaKind, QuotaRule } from '../protocol/quota-rule.ts';
import { RuleChoice, type RulesOf, rulesInOrder } from './rule-choice.ts';
import { conditionText, type RuleFacts } from './rule-conditions.ts';

/** One quota of one client. */
export interface Quota {
  readonly client: string;
  readonly measure: Measure;
  readonly currency: string;
  readonly period: Period;
  readonly zone: string;
  readonly kind: QuotaKind;
  /** Octets, exchanges, or units of 10^-9 of the currency. */
  readonly most: bigint;
  /** The same, as a number is near enough: of octets and exchanges exactly. */
  readonly limit: number;
  /** What it is called: what is counted, for how long, and of which exchanges. Quotas of the client with the same name have one
   *  count, whatever they allow, so that another amount goes on from what was used. */
  readonly name: string;
}

/** The quotas of one client: of each measure, period and kind the first that fits holds. */
export class ClientQuotas {
  readonly #choice: RuleChoice<Quota>;

  constructor(client: string, rules: RulesOf<QuotaRule>) {
    const all = rulesInOrder(rules).flatMap((rule) =>
      rule.allotments.map((allotment) => ({ rule, value: quotaOf(client, rule, allotment) })),
    );
    this.#choice = new RuleChoice([...Map.groupBy(all, ({ value }) => slotOf(value)).values()]);
  }

  /** The quotas of an exchange. */
  of(facts: RuleFacts): readonly Quota[] {
    return this.#choice.of(facts);
  }

  /** All that may hold for some exchange. */
  get all(): readonly Quota[] {
    return this.#choice.all;
  }
}

const slotOf = ({ measure, currency, period, kind }: Quota): string => `${measure} ${currency} ${period} ${kind}`;

function quotaOf(client: string, rule: QuotaRule, { measure, currency, period, most }: Allotment): Quota {
  const { zone, kind } = rule;
  const what = currency === '' ? measure : `${measure} ${currency}`;
  const name = `${what}/${period}${conditionText(rule)}`;
  return { client, measure, currency, period, zone, kind, most, limit: Number(most), name };
}
