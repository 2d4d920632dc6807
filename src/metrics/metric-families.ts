import { bucketBoundsMs, type Durations } from '../telemetry/durations.ts';
import type { Family, Labels } from '../telemetry/exposition.ts';

const boundsSeconds = bucketBoundsMs.map((ms) => ms / 1e3);

/** A value, with labels where there are several. */
export type Value = number | { readonly labels: Labels; readonly value: number };

function simple(type: 'counter' | 'gauge') {
  return (name: string, help: string, ...values: readonly Value[]): Family => {
    return { name, help, type, samples: values.map((value) => (typeof value === 'number' ? { value } : value)) };
  };
}

/** Samples of durations, as buckets. */
export function histogram(
  name: string,
  help: string,
  ...samples: readonly { readonly labels: Labels; readonly value: Durations }[]
): Family {
  return {
    name,
    help,
    type: 'histogram',
    samples: samples.map(({ labels, value: { counts, sumMs } }) => {
      return { labels, bounds: boundsSeconds, counts, sum: sumMs / 1e3 };
    }),
  };
}

/** What only grows. */
export const counter = simple('counter');
/** What goes up and down. */
export const gauge = simple('gauge');
