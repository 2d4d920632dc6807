/** What each sign of a currency may stand for. */
const signs: ReadonlyMap<string, readonly string[]> = new Map([
  ['$', ['USD', 'AUD', 'CAD', 'HKD', 'MXN', 'NZD', 'SGD', 'TWD']],
  ['€', ['EUR']],
  ['£', ['GBP']],
  ['¥', ['JPY', 'CNY']],
]);

/** An amount as it stands in a bill, without what it says of its currency. */
export function bareAmount(written: string): string {
  return written.replace(/^[A-Z]{3}\s*|[$€£¥]|\s*[A-Z]{3}$/g, '');
}

/** Currencies that an amount tells, or a cell beside it: codes and signs, as they are written. */
export function currenciesOf(written: string): readonly string[] {
  return written.match(/^[A-Z]{3}(?![A-Z])|[$€£¥]|(?<![A-Z])[A-Z]{3}$/g) ?? [];
}

/** What a cell tells that is nothing but a currency: its code or sign, or else whatever stands there. */
export function currencyIn(cell: string): readonly string[] {
  const known = currenciesOf(cell.toUpperCase());
  return known.length > 0 || cell === '' ? known : [cell];
}

/** Those that the name of a column tells, in lower case: `amount, usd`. */
export function currenciesOfName(name: string): readonly string[] {
  return (name.match(/[$€£¥]|(?<![a-z])(?:usd|eur|gbp)(?![a-z])/g) ?? []).map((one) => one.toUpperCase());
}

/** Whether what a bill tells may be the currency with this code. */
export function isCurrency(written: string, code: string): boolean {
  return written === code || signs.get(written)?.includes(code) === true;
}
