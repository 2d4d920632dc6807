import { failed, type Parsed, parsed } from '../../protocol/decoded.ts';
import { type Geo, type Place, places } from '../../protocol/places.ts';
import type { Countries } from './countries.ts';
import { nowhere } from './listed-exit.ts';

/** What a list can tell of an exit beside its endpoint. */
export const placeKeys = [...places, 'name'] as const;
export type PlaceKey = (typeof placeKeys)[number];

/** Longer texts are no names of places. */
const LONGEST_TEXT = 200;

/** What lists write where they know nothing. */
const unknown: ReadonlySet<string> = new Set([
  '',
  '-',
  '--',
  '?',
  'n/a',
  'na',
  'none',
  'null',
  'nil',
  'unknown',
  'undefined',
]);
const unknownCountry: ReadonlySet<string> = new Set(['xx', 'zz']);

/** A text as an exit has it; null where the key is another one, or nothing is said. Fault: it can't be meant. */
export function placeOf(
  key: string,
  written: string,
  countries: Countries,
): Parsed<{ readonly key: PlaceKey; readonly text: string }> | null {
  const known = placeKeys.find((one) => one === key);
  const text = written.trim();
  if (known === undefined || (unknown.has(text.toLowerCase()) && !(known === 'country' && text.toLowerCase() === 'na')))
    return null;
  if (text.length > LONGEST_TEXT || /[\x00-\x1f\x7f]/.test(text)) {
    return failed('bad_request', `the ${known} has control characters, or more than ${LONGEST_TEXT} characters`);
  }
  if (known === 'country') return countryOf(text, countries);
  if (known === 'asn') return asnOf(text);
  return parsed({ key: known, text });
}

/** What fields of an entry tell of its exit beside the endpoint. Fault: the first that can't be meant. */
export function readPlaces(
  fields: Iterable<readonly [key: string, written: string]>,
  countries: Countries,
): Parsed<{ readonly geo: Geo; readonly name: string | null }> {
  const geo: Partial<Record<Place, string>> = {};
  let name: string | null = null;
  for (const [key, written] of fields) {
    const place = placeOf(key, written, countries);
    if (place === null) continue;
    if (!place.ok) return place;
    if (place.value.key === 'name') name = place.value.text;
    else geo[place.value.key] = place.value.text;
  }
  return parsed({ geo: Object.keys(geo).length === 0 ? nowhere : geo, name });
}

function countryOf(text: string, countries: Countries): ReturnType<typeof placeOf> {
  if (unknownCountry.has(text.toLowerCase())) return null;
  const code = countries.codeOf(text);
  return code === null
    ? failed('bad_request', 'the country is neither a two-letter code nor an English name')
    : parsed({ key: 'country', text: code });
}

/** Vendors write `3320`, `AS3320`, or `AS3320 Deutsche Telekom AG`. */
function asnOf(text: string): ReturnType<typeof placeOf> {
  const [, digits] = /^(?:AS)?\s*([0-9]{1,10})(?:\s.*)?$/i.exec(text) ?? [];
  const number = Number(digits);
  if (digits === undefined || number >= 2 ** 32)
    return failed('bad_request', 'the asn is no number such as 3320 or AS3320');
  return number === 0 ? null : parsed({ key: 'asn', text: String(number) });
}
