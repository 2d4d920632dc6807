/** What each sign of a currency may stand for. */
const signs: ReadonlyMap<string, readonly string[]> = new Map([
  ['$', ['USD', 'AUD', 'CAD', 'HKD', 'MXN', 'NZD', 'SGD', 'TWD']],
  ['€', ['EUR']],
  ['£', ['GBP']],
  ['¥', ['JPY', 'CNY']],
  ['US$', ['USD']],
  ['A$', ['AUD']],
  ['AU$', ['AUD']],
  ['C$', ['CAD']],
  ['CA$', ['CAD']],
  ['HK$', ['HKD']],
  ['MX$', ['MXN']],
  ['NZ$', ['NZD']],
  ['S$', ['SGD']],
  ['NT$', ['TWD']],
  ['R$', ['BRL']],
]);

const sign = '(?:US|AU?|CA?|HK|MX|NZ|S|NT|R)?[$]|[€£¥]';

/** Codes that names of columns tell: those that bills are written in, of which none is a word as well. */
const codes = 'usd|eur|gbp|chf|jpy|cny|cad|aud|nzd|hkd|sgd|twd|inr|krw|sek|nok|dkk|pln|czk|brl|mxn|zar|aed|ils';

const inAmounts = {
  bare: new RegExp(`^[A-Z]{3}\\s*|${sign}|\\s*[A-Z]{3}$`, 'g'),
  told: new RegExp(`^[A-Z]{3}(?![A-Z])|${sign}|(?<![A-Z])[A-Z]{3}$`, 'g'),
} as const;

const inNames = { told: new RegExp(`[$€£¥]|(?<![a-z])(?:${codes})(?![a-z])`, 'g'), end: new RegExp(`_(?:${codes})$`) };

/** An amount as it stands in a bill, without what it says of its currency. */
export function bareAmount(written: string): string {
  return written.replace(inAmounts.bare, '');
}

/** Currencies that an amount tells, or a cell beside it: codes and signs, as they are written. */
export function currenciesOf(written: string): readonly string[] {
  return written.match(inAmounts.told) ?? [];
}

/** What a cell tells that is nothing but a currency: its code or sign, or else whatever stands there. */
export function currencyIn(cell: string): readonly string[] {
  const known = currenciesOf(cell.toUpperCase());
  return known.length > 0 || cell === '' ? known : [cell];
}

/** Those that the name of a column tells, in lower case: `amount, usd`. */
export function currenciesOfName(name: string): readonly string[] {
  return (name.match(inNames.told) ?? []).map((one) => one.toUpperCase());
}

/** The name of a column, its words joined by `_`, without a currency at its end. */
export function withoutCurrency(name: string): string {
  return name.replace(inNames.end, '');
}

/** Whether what a bill tells may be the currency with this code. */
export function isCurrency(written: string, code: string): boolean {
  return written === code || signs.get(written)?.includes(code) === true;
}
