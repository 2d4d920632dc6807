import Bottleneck from 'bottleneck';

/** Runs `reload` once for a burst of requests: one at a time, and at most one waiting behind it, since that one will read the
 *  newest files anyway. Never rejects: `reload` tells its own failures. */
export function pacedReloads(reload: () => Promise<void>): () => void {
  const pace = new Bottleneck({ maxConcurrent: 1, highWater: 1, strategy: Bottleneck.strategy.LEAK });
  return () => {
    pace.schedule(reload).catch(() => {});
  };
}
