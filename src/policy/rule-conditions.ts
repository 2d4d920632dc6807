import { isWithin } from '../protocol/suffix.ts';

/** Which exchanges a rule is about: what isn't given doesn't matter. */
export interface Conditions {
  readonly pool?: string;
  readonly site?: string;
  readonly tag?: string;
}

/** What decides which rules hold for an exchange. */
export interface RuleFacts {
  /** The pool that it leaves by; null of one that leaves by none. */
  readonly pool: string | null;
  /** The host that it goes to. */
  readonly host: string;
  readonly tag: string | undefined;
}

export const conditionsOf = ({ pool, site, tag }: Conditions): number =>
  Number(pool !== undefined) + Number(site !== undefined) + Number(tag !== undefined);

/** Rules that are about fewer exchanges first. */
export function bySpecificity<Rule extends Conditions>(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((one, other) => conditionsOf(other) - conditionsOf(one));
}

export function isAbout({ pool, site, tag }: Conditions, facts: RuleFacts): boolean {
  if (pool !== undefined && facts.pool !== pool) return false;
  if (site !== undefined && !isWithin(facts.host, site)) return false;
  return tag === undefined || facts.tag === tag;
}

/** The conditions as they stand in names: ` pool=res site=shop.example`, or nothing. */
export function conditionText({ pool, site, tag }: Conditions): string {
  return Object.entries({ pool, site, tag })
    .map(([key, name]) => (name === undefined ? '' : ` ${key}=${name}`))
    .join('');
}
