/** The kinds of places that are known of exits, asked for and sold, in the order of our words. */
export const places = ['country', 'region', 'state', 'city', 'zip', 'asn', 'isp'] as const;
export type Place = (typeof places)[number];

/** Places by kind, as far as they are said. Where an exit stands: country codes are lower-case, `asn` is digits, and the rest is as
 *  written. */
export type Geo = { readonly [Name in Place]?: string };

/** What is compared of the name of a place: its letters and digits, lower-case, without accents. Empty for nothing. */
export function placeKey(name: string): string {
  if (/^[a-z0-9]*$/.test(name)) return name;
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]/gu, '');
}
