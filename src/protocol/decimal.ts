/** Prices are whole numbers of millionths of a millionth of a currency, on the disk as well. */
export const PRICE_DECIMALS = 12;

/** How many decimals a number needs as it is written: 2 for 4.25, 7 for 1e-7. */
export function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent));
}

/** A number, or its decimal text, of at most `decimals` decimals as a whole number of its smallest units, exact as it is written: 4.2 with 2 is 420.
 *  What is finer is cut off. */
export function unitsOf(value: number | string, decimals: number): bigint {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) + decimals - fraction.length;
  const digits = BigInt(whole + fraction);
  return shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
}

/** A whole number of units as a decimal number, without zeros at its end beyond `least` decimals. */
export function formatUnits(units: bigint, decimals: number, least = 0): string {
  const text = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
  const whole = text.slice(0, text.length - decimals);
  let fraction = text.slice(text.length - decimals);
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
