const ZERO = 0x30;

/** What is left of a number below it fits 32 bits, which are divided faster. */
const BILLION = 1e9;

/** Writes a whole number from 0 to 2^53 in decimal digits at `at`, where there must be room. Returns where they end. */
export function writeWhole(octets: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  const end = at + digits;
  let place = end - 1;
  let rest = value;
  for (; rest >= BILLION; place--) {
    const tens = Math.floor(rest / 10);
    octets[place] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  for (let low = rest | 0; place >= at; place--) {
    const tens = (low / 10) | 0;
    octets[place] = ZERO + (low - tens * 10);
    low = tens;
  }
  return end;
}
