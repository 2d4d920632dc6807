const DAY_MS = 86_400_000;
/** Longer than a test of what is counted by day takes. */
const needMs = 120_000;

/** Resolves when the day (of UTC) doesn't end for a while: at once, but shortly before midnight. */
export async function farFromMidnight(): Promise<void> {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < needMs) await new Promise((resolve) => setTimeout(resolve, leftMs + 1_000));
}
