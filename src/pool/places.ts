/** The kinds of places that are known of exits, in the order of our words. */
export const places = ['country', 'region', 'state', 'city', 'zip', 'asn', 'isp'] as const;
export type Place = (typeof places)[number];

/** What is known of places, by kind. */
export type PlaceValues = { readonly [Name in Place]?: string };

/** What is compared of the name of a place: its letters and digits, lower-case, without accents. Empty for nothing. */
export function placeKey(name: string): string {
  if (/^[a-z0-9]*$/.test(name)) return name;
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]/gu, '');
}
