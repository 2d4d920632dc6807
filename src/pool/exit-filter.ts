import type { Tier } from '../protocol/params.ts';
import { type Geo, placeKey, places } from '../protocol/places.ts';

/** Which exits a request may leave by. A key that is absent asks nothing. Places and pools are compared without regard to
 *  case, accents, spaces and punctuation, because a username cannot hold them: `sao_paulo` is `São Paulo`. */
export interface ExitFilter extends Omit<Geo, 'country'> {
  readonly pools: readonly string[];
  readonly tier?: Tier;
  /** Any of these. */
  readonly country?: readonly string[];
  /** Only the exit of this id. */
  readonly exit?: string;
  readonly ip?: 4 | 6;
}

/** Kinds of places of which a filter asks one. */
export const singlePlaces = places.filter((place) => place !== 'country');

/** What a filter asks beside the pools, in the order in which exits are counted out, with the words for those it rules out. */
export const criteria = [
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

/** The pools that `filter` names, each once. */
export function poolsOf(filter: ExitFilter): readonly string[] {
  const [only] = filter.pools;
  if (only !== undefined && filter.pools.length === 1) return [only.toLowerCase()];
  return [...new Set(filter.pools.map((name) => name.toLowerCase()))];
}

/** A text that is the same for filters that mean the same, and for no others. */
export function filterKey(filter: ExitFilter): string {
  // None of the parts can hold what separates them.
  const pools = poolsOf(filter);
  let key = pools.length === 1 && pools[0] !== undefined ? pools[0] : pools.join(',');
  if (filter.tier !== undefined) key += `|tier ${filter.tier}`;
  if (filter.country !== undefined) key += `|country ${filter.country.map(placeKey).join(',')}`;
  for (const place of singlePlaces) {
    const value = filter[place];
    if (value !== undefined) key += `|${place} ${placeKey(value)}`;
  }
  if (filter.exit !== undefined) key += `|exit ${filter.exit.toLowerCase()}`;
  return filter.ip === undefined ? key : `${key}|ip ${filter.ip}`;
}
