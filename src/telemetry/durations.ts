/** How durations are counted: in buckets whose bounds are powers of two, from 1 ms to 2^19 ms (8.7 minutes), and one for all that
 *  took longer. So a bucket is found by counting zeros, without a search, and a quantile is known to a factor of two anywhere. */

const POWERS = 20;

/** The longest duration of each bucket but the last, in ms. */
export const bucketBoundsMs: readonly number[] = Array.from({ length: POWERS }, (_, power) => 2 ** power);

/** Buckets there are: one for each bound, and the last one. */
export const BUCKETS = POWERS + 1;

const LONGEST = 2 ** POWERS;

/** The bucket of a duration in ms: the first whose bound it doesn't exceed. */
export function bucketOf(ms: number): number {
  return 32 - Math.clz32(Math.ceil(Math.min(Math.max(ms, 1), LONGEST)) - 1);
}

/** Durations that were counted. */
export interface Durations {
  /** How many fell into each bucket. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}
