/** Names that vendors use and CLDR does not, or not first. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['usa', 'us'],
  ['united states of america', 'us'],
  ['great britain', 'gb'],
  ['england', 'gb'],
  ['korea', 'kr'],
  ['republic of korea', 'kr'],
  ['korea, republic of', 'kr'],
  ['russian federation', 'ru'],
  ['czech republic', 'cz'],
  ['turkey', 'tr'],
  ['viet nam', 'vn'],
  ['iran, islamic republic of', 'ir'],
  ['moldova, republic of', 'md'],
  ['taiwan, province of china', 'tw'],
  ['hong kong', 'hk'],
  ['macau', 'mo'],
]);

/** Countries by the English names that some lists have in place of codes. */
export class Countries {
  #names: Map<string, string> | null = null;

  /** The code of a country, lower-case, told by code or by name; null where it is none. */
  codeOf(text: string): string | null {
    if (/^[a-z]{2}$/i.test(text)) return text.toLowerCase();
    const name = text.toLowerCase();
    this.#names ??= readNames();
    return otherNames.get(name) ?? this.#names.get(name) ?? null;
  }
}

/** Names as the runtime's own CLDR has them. */
function readNames(): Map<string, string> {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const display = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const names = new Map<string, string>();
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    const name = display.of(code)?.toLowerCase();
    // Codes that were given up come with the names of those that stand; the first in the alphabet is not always right.
    if (name !== undefined && Intl.getCanonicalLocales(`und-${code}`)[0]?.endsWith(code))
      names.set(name, code.toLowerCase());
  }
  return names;
}
