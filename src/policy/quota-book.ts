import type { Allotment, Measure, Period, QuotaKind, QuotaRule } from '../protocol/quota-rule.ts';
import { bySpecificity, conditionsOf, conditionText, isAbout, type RuleFacts } from './rule-conditions.ts';

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
  /** What it is called: what is counted, for how long, and of which exchanges. Quotas of the client with the same name have one
   *  count, whatever they allow, so that another amount goes on from what was used. */
  readonly name: string;
}

interface Candidate {
  readonly rule: QuotaRule;
  readonly quota: Quota;
}

/** The quotas of one client: its own rules go before those of everyone, of either those that are about fewer exchanges go first, and
 *  of each measure, period and kind the first that fits holds. */
export class ClientQuotas {
  readonly #candidates: readonly (readonly Candidate[])[];
  /** What all its exchanges have, where no rule is about some of them only. */
  readonly #same: readonly Quota[] | null;

  constructor(client: string, rules: { readonly own: readonly QuotaRule[]; readonly everyone: readonly QuotaRule[] }) {
    const inOrder = [...bySpecificity(rules.own), ...bySpecificity(rules.everyone)];
    const all = inOrder.flatMap((rule) =>
      rule.allotments.map((allotment) => ({ rule, quota: quotaOf(client, rule, allotment) })),
    );
    this.#candidates = [...Map.groupBy(all, ({ quota }) => slotOf(quota)).values()];
    const firsts = this.#candidates.flatMap((candidates) => candidates.slice(0, 1));
    this.#same = firsts.every(({ rule }) => conditionsOf(rule) === 0) ? firsts.map(({ quota }) => quota) : null;
  }

  /** The quotas of an exchange. */
  of(facts: RuleFacts): readonly Quota[] {
    if (this.#same !== null) return this.#same;
    return this.#candidates.flatMap((candidates) => {
      const first = candidates.find(({ rule }) => isAbout(rule, facts));
      return first === undefined ? [] : [first.quota];
    });
  }

  /** All that may hold for some exchange; of those of one name and kind the first. */
  get all(): readonly Quota[] {
    const all = this.#candidates.flat().map(({ quota }) => quota);
    return all.filter(({ name, kind }, index) => {
      return all.findIndex((other) => other.name === name && other.kind === kind) === index;
    });
  }
}

const slotOf = ({ measure, currency, period, kind }: Quota): string => `${measure} ${currency} ${period} ${kind}`;

function quotaOf(client: string, rule: QuotaRule, { measure, currency, period, most }: Allotment): Quota {
  const { zone, kind } = rule;
  const what = currency === '' ? measure : `${measure} ${currency}`;
  return { client, measure, currency, period, zone, kind, most, name: `${what}/${period}${conditionText(rule)}` };
}
