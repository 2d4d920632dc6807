const ZERO = 0x30;

/** What is below it fits 32 bits, which are divided faster. */
const BILLION = 1e9;

/** Writes a whole number from 0 to 2^53 in decimal digits at `at`, where there must be room. Returns where they end. */
export function writeWhole(octets: Uint8Array, at: number, value: number): number {
  if (value < BILLION) return writeLow(octets, at, value | 0, digitsOf(value));
  const billions = Math.floor(value / BILLION);
  const lowAt = writeLow(octets, at, billions | 0, digitsOf(billions));
  return writeLow(octets, lowAt, (value - billions * BILLION) | 0, 9);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  return digits;
}

/** Of what fits 32 bits. */
function writeLow(octets: Uint8Array, at: number, value: number, digits: number): number {
  const end = at + digits;
  let rest = value;
  for (let place = end - 1; place >= at; place--) {
    const tens = (rest / 10) | 0;
    octets[place] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  return end;
}
