import {
  bySpecificity,
  type Conditions,
  conditionsOf,
  conditionText,
  isAbout,
  type RuleFacts,
} from './rule-conditions.ts';

/** The rules of one client, and those of everyone. */
export interface RulesOf<Rule> {
  readonly own: readonly Rule[];
  readonly everyone: readonly Rule[];
}

/** What a rule says of one thing that it may limit. */
export interface Candidate<T> {
  readonly rule: Conditions;
  readonly value: T;
}

/** A client's own rules go before those of everyone, and of either those that are about fewer exchanges go first. */
export function rulesInOrder<Rule extends Conditions>({ own, everyone }: RulesOf<Rule>): readonly Rule[] {
  return [...bySpecificity(own), ...bySpecificity(everyone)];
}

/** Choices that are remembered of one client; beyond, they are forgotten and made anew. */
const MOST_CHOICES = 256;

/** Of each thing that rules limit the first candidate whose rule fits holds. */
export class RuleChoice<T> {
  readonly #things: readonly (readonly Candidate<T>[])[];
  /** What all exchanges have, where no rule is about some of them only. */
  readonly #same: readonly T[] | null;
  readonly #choices = new Map<string, readonly T[]>();
  /** Whether the pool that an exchange leaves by may matter. */
  readonly isByPool: boolean;

  /** For each thing its candidates, in the order of their rules; at least one. */
  constructor(things: readonly (readonly Candidate<T>[])[]) {
    this.#things = things.map(reachable);
    this.isByPool = this.#things.some((candidates) => candidates.some(({ rule }) => rule.pool !== undefined));
    const firsts = things.flatMap((candidates) => candidates.slice(0, 1));
    this.#same = firsts.every(({ rule }) => conditionsOf(rule) === 0) ? firsts.map(({ value }) => value) : null;
  }

  /** What holds for an exchange, in the order of the things. The same choice is the same array, by which more can be remembered. */
  of(facts: RuleFacts): readonly T[] {
    if (this.#same !== null) return this.#same;
    const indices = this.#things.map((candidates) => candidates.findIndex(({ rule }) => isAbout(rule, facts)));
    const name = indices.join();
    const known = this.#choices.get(name);
    if (known !== undefined) return known;
    const chosen = this.#things.flatMap((candidates, thing) => candidates[indices[thing] ?? -1]?.value ?? []);
    if (this.#choices.size >= MOST_CHOICES) this.#choices.clear();
    this.#choices.set(name, chosen);
    return chosen;
  }

  /** All that may hold for some exchange. */
  get all(): readonly T[] {
    return this.#things.flat().map(({ value }) => value);
  }
}

/** Without those that never hold: behind one that is about every exchange, or about the same ones. */
function reachable<T>(candidates: readonly Candidate<T>[]): readonly Candidate<T>[] {
  const met = new Set<string>();
  return candidates.filter(({ rule }) => {
    const conditions = conditionText(rule);
    if (met.has('') || met.has(conditions)) return false;
    met.add(conditions);
    return true;
  });
}
