import { seededRandom } from '../../support/seeded-random.ts';

/** Chance with a seed: yields [0, 1). */
export type Random = () => number;

/** A stream of its own for each list of whole numbers: the same numbers draw the same. */
export function streamOf(...parts: readonly number[]): Random {
  let mixed = 0x9e3779b9;
  for (const part of parts) mixed = Math.imul(mixed ^ (part + 0x7f4a7c15), 0x85ebca6b) ^ (mixed >>> 13);
  return seededRandom(mixed);
}

/** A standard normal variate (Box and Muller). Takes two numbers. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A log-normal variate around `median`. */
export function logNormal(random: Random, median: number, sigma: number): number {
  return median * Math.exp(sigma * gaussian(random));
}

/** An exponential variate. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** The index of one of `weights`, each as often as it weighs. */
export function weighted(random: Random, weights: readonly number[]): number {
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return index < 0 ? weights.length - 1 : index;
}
