/** How one demo exit behaves: where it seems to be, how slow it is, how often it fails. */
export interface ExitCharacter {
  readonly country: string;
  /** Shown as X-Demo-Exit, such as `de-socks5-2`. */
  readonly label: string;
  /** Ms to wait before the next connection: log-normal around the exit's own median, within 30 and 400. */
  latencyMs(): number;
  /** How the next exchange fails: about one in thirty-three does. */
  failure(): ExitFailure | null;
}

/** `unavailable`: the exit says that it cannot. `reset`: its connection goes without a word. */
export type ExitFailure = 'unavailable' | 'reset';

const countries = ['us', 'de', 'gb', 'fr', 'jp', 'br', 'in', 'pl', 'ca', 'au'] as const;
const failureShare = 0.03;

/** The character of the exit `number` (from 0, over all kinds) of `kind`; `random` draws everything. */
export function drawCharacter(kind: string, number: number, random: () => number): ExitCharacter {
  const country = countries[number % countries.length] ?? 'us';
  const medianMs = 60 + 140 * random();
  const spread = 0.3 + 0.3 * random();
  return {
    country,
    label: `${country}-${kind}-${number + 1}`,
    latencyMs: () => Math.min(400, Math.max(30, medianMs * Math.exp(spread * gaussian(random)))),
    failure: () => {
      if (random() >= failureShare) return null;
      return random() < 0.5 ? 'unavailable' : 'reset';
    },
  };
}

/** A standard normal variate (Box and Muller). */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
