import { type Geo, type Place, placeKey, places } from '../protocol/places.ts';

/** How a vendor spells one kind of place, and when it can be asked for it. */
export interface ValueRule {
  readonly case: 'lower' | 'upper';
  /** What stands between words. */
  readonly space: string;
  /** The vendor's word, by ours (as places are compared: `placeKey`). */
  readonly map: Readonly<Record<string, string>>;
  /** Characters and ranges of them, such as `a-z0-9_`; null for letters, digits, and what stands between words. */
  readonly alphabet: string | null;
  /** Characters that a value may have. */
  readonly least: number;
  readonly most: number;
  /** Places that must be given as well, or must not be. */
  readonly needs: readonly Place[];
  readonly excludes: readonly Place[];
  /** The only countries in which it can be asked for, in our form; null for all. */
  readonly countries: readonly string[] | null;
}

/** A rule made ready for use. */
export type Speller = ValueRule & { readonly characters: ReadonlySet<string> };

/** A value as the vendor spells it, or why it can't be asked for it. The message shows nothing of the value. */
export type Spelling = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string };

const MOST_VALUE = 64;

/** Places whose names aren't made of words. */
const wordless: ReadonlySet<Place> = new Set(['country', 'zip', 'asn']);

/** The rule where nothing is said of a kind of place. */
export function plainRule(place: Place): ValueRule {
  return {
    case: 'lower',
    space: wordless.has(place) ? '' : '_',
    map: {},
    alphabet: place === 'asn' ? '0-9' : null,
    least: 1,
    most: MOST_VALUE,
    needs: [],
    excludes: [],
    countries: null,
  };
}

export function spellerOf(rule: ValueRule): Speller {
  return { ...rule, characters: new Set(charactersOf(rule.alphabet ?? `A-Za-z0-9${rule.space}`)) };
}

/** Spells a place as the vendor does: accents are taken off; spaces, punctuation and what a user name has in their stead
 *  (`new_york`) become what the vendor puts between words. Nothing else than letters, digits and that can come of it but for what
 *  the vendor's map says, so that no value ends its part of a user name. Never throws. */
export function spell(place: Place, written: string, speller: Speller): Spelling {
  const key = placeKey(written);
  const mapped = Object.hasOwn(speller.map, key) ? speller.map[key] : undefined;
  if (mapped !== undefined) return { ok: true, value: mapped };
  const words = written
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .split(/[^\p{Letter}\p{Number}]+/u)
    .filter((word) => word !== '')
    .join(speller.space);
  const value = speller.case === 'upper' ? words.toUpperCase() : words.toLowerCase();
  const { least, most, characters } = speller;
  const fits = value.length >= least && value.length <= most && [...value].every((one) => characters.has(one));
  return fits ? { ok: true, value } : { ok: false, message: `the vendor takes as ${place} ${expectedOf(speller)}` };
}

/** Why these places can't be asked for together; null where they can. */
export function togetherFault(given: Geo, rules: { readonly [Name in Place]: ValueRule }): string | null {
  const { country } = given;
  for (const place of places) {
    if (given[place] === undefined) continue;
    const { needs, excludes, countries } = rules[place];
    const missing = needs.find((other) => given[other] === undefined);
    if (missing !== undefined) return `the vendor is asked for a ${place} together with its ${missing}`;
    const other = excludes.find((one) => given[one] !== undefined);
    if (other !== undefined) return `the vendor can't be asked for ${place} and ${other} at once`;
    if (countries !== null && country !== undefined && !countries.includes(placeKey(country)))
      return `the vendor can be asked for a ${place} of ${countries.join(', ')} only`;
  }
  return null;
}

/** The characters that an alphabet such as `a-z0-9_` names, each once; a `-` at its end is itself. */
export function charactersOf(alphabet: string): readonly string[] {
  const found = new Set<string>();
  for (let at = 0; at < alphabet.length; at += 1) {
    const from = alphabet.charCodeAt(at);
    const isRange = alphabet.charAt(at + 1) === '-' && at + 2 < alphabet.length;
    const to = isRange ? alphabet.charCodeAt(at + 2) : from;
    for (let code = from; code <= to; code += 1) found.add(String.fromCharCode(code));
    if (isRange) at += 2;
  }
  return [...found];
}

function expectedOf({ alphabet, least, most }: ValueRule): string {
  const of = alphabet === null ? 'letters and digits' : `of ${alphabet}`;
  return least === most ? `${least} characters ${of}` : `${least} to ${most} characters ${of}`;
}
