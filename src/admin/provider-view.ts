/** What carries many exits of a pool, as it is shown: never by its credential. */
export interface ProviderView {
  readonly pool: string;
  /** `scheme://host:port`. */
  readonly provider: string;
  /** Tells accounts at one address apart. */
  readonly account: string;
  /** `down`: it takes no exchanges; `recovering`: a few at a time, ever more as they succeed. */
  readonly standing: 'up' | 'down' | 'recovering';
  /** How it failed last, by the catalogue of errors; null where it serves. */
  readonly why: string | null;
  readonly exits: number;
}

/** One line for people. */
export function providerText({ provider, account, standing, why, exits }: ProviderView): string {
  const how = why === null ? standing : `${standing} (${why})`;
  return `${provider} (account ${account}, ${exits} ${exits === 1 ? 'exit' : 'exits'}): ${how}`;
}
