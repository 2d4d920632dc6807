import type { Tier } from '../protocol/params.ts';
import type { Exit } from './exit.ts';

/** Which exits a request may leave by. A key that is absent asks nothing. Places and pools are compared without regard to
 *  case, accents, spaces and punctuation, because a username cannot hold them: `sao_paulo` is `São Paulo`. */
export interface ExitFilter {
  readonly pools: readonly string[];
  readonly tier?: Tier;
  /** Any of these. */
  readonly country?: readonly string[];
  readonly region?: string;
  readonly state?: string;
  readonly city?: string;
  readonly zip?: string;
  readonly asn?: string;
  readonly isp?: string;
  /** Only the exit of this id. */
  readonly exit?: string;
  readonly ip?: 4 | 6;
}

const places = ['region', 'state', 'city', 'zip', 'asn', 'isp'] as const;

/** What a filter asks beside the pools, in the order in which exits are counted out, with the words for those it rules out. */
const criteria = [
  ['exit', 'with another id'],
  ['tier', 'of another tier'],
  ['country', 'in other countries'],
  ['region', 'in other regions'],
  ['state', 'in other states'],
  ['city', 'in other cities'],
  ['zip', 'with another zip'],
  ['asn', 'in other networks'],
  ['isp', 'of other providers'],
  ['ip', 'of the other address family'],
] as const;

/** What a filter can ask of an exit. */
export type Criterion = (typeof criteria)[number][0];

/** The first criterion that an exit fails, or null where it passes. */
export type Judge = (exit: Exit) => Criterion | null;

/** Whether `filter` asks anything beside the pools. */
export function narrows(filter: ExitFilter): boolean {
  return criteria.some((row) => filter[row[0]] !== undefined);
}

/** The pools that `filter` names, each once. */
export function poolsOf(filter: ExitFilter): readonly string[] {
  return [...new Set(filter.pools.map((name) => name.toLowerCase()))];
}

/** A text that is the same for filters that mean the same, and for no others. */
export function filterKey(filter: ExitFilter): string {
  const countries = filter.country?.map(placeKey);
  const rest = places.map((place) => filter[place] && placeKey(filter[place]));
  return JSON.stringify([poolsOf(filter), filter.exit?.toLowerCase(), filter.tier, countries, filter.ip, ...rest]);
}

/** Prepares `filter` (but for its pools) to be asked of many exits. */
export function judgeOf(filter: ExitFilter): Judge {
  const id = filter.exit?.toLowerCase();
  const countries = filter.country?.map(placeKey);
  const wanted = places.flatMap((place) => {
    const value = filter[place];
    return value === undefined ? [] : [{ place, value: placeKey(value) }];
  });
  return (exit) => {
    if (id !== undefined && exit.id !== id) return 'exit';
    if (filter.tier !== undefined && exit.tier !== filter.tier) return 'tier';
    if (countries !== undefined && !countries.includes(placeKey(exit.geo.country))) return 'country';
    const missed = wanted.find(({ place, value }) => placeKey(exit.geo[place]) !== value);
    if (missed !== undefined) return missed.place;
    return filter.ip === undefined || speaks(exit, filter.ip) ? null : 'ip';
  };
}

/** How many of `exits` pass, and what ruled out the others, as one sentence that shows no more than counts. */
export function describeFilter(filter: ExitFilter, exits: readonly Exit[]): string {
  const counts = Map.groupBy(exits, judgeOf(filter));
  const reasons = criteria.flatMap(([criterion, words]) => {
    const failing = counts.get(criterion);
    return failing === undefined ? [] : [`${failing.length} ${words}`];
  });
  const head = `${counts.get(null)?.length ?? 0} of ${exits.length} exits match`;
  return reasons.length === 0 ? head : `${head}: ${reasons.join(', ')}`;
}

/** What is compared of the name of a place: its letters and digits, lower-case, without accents. Empty for nothing. */
export function placeKey(name: string | undefined): string {
  if (name === undefined || /^[a-z0-9]*$/.test(name)) return name ?? '';
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]/gu, '');
}

/** An exit that says nothing is taken for IPv4, as all are that don't say so; where we resolve, we choose the family. */
function speaks(exit: Exit, family: 4 | 6): boolean {
  if (exit.ip !== null) return exit.ip === family;
  return (
    family === 4 || exit.endpoint.scheme === 'direct' || (exit.dns === 'local' && exit.endpoint.scheme !== 'socks4')
  );
}
