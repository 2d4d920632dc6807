/** What tunnels to a site usually are, over all exits: decayed means of logarithms, because sizes and durations span orders of
 *  magnitude. Plain numbers, so that any table can hold them. */
export interface SiteNorm {
  /** Tunnels seen, up to 2^16. */
  readonly count: number;
  /** Mean and variance of ln(octets from the origin). */
  readonly logBytes: number;
  readonly bytesVariance: number;
  /** Mean of ln(duration in ms). */
  readonly logMs: number;
}

/** Of a site of which nothing is known. */
export const noNorm: SiteNorm = Object.freeze({ count: 0, logBytes: 0, bytesVariance: 0, logMs: 0 });

/** One tunnel counts for so much at least: the norm follows a site that changes within about fifty tunnels. */
const LEAST_STEP = 0.02;

/** How much less a tunnel counts that was judged a refusal: else the refused would soon be the norm; but where a site has really
 *  become smaller, the norm must follow in the end. */
const REFUSED_STEP = 0.25;

/** The norm after one more tunnel. */
export function withTunnel(
  norm: SiteNorm,
  tunnel: { readonly originBytes: number; readonly durationMs: number; readonly refused: boolean },
): SiteNorm {
  const count = Math.min(norm.count + 1, 2 ** 16);
  const step = Math.max(1 / count, LEAST_STEP) * (tunnel.refused ? REFUSED_STEP : 1);
  const logBytes = Math.log(tunnel.originBytes + 1);
  const off = logBytes - norm.logBytes;
  return {
    count,
    logBytes: norm.logBytes + step * off,
    bytesVariance: (1 - step) * (norm.bytesVariance + step * off * off),
    logMs: norm.logMs + step * (Math.log(tunnel.durationMs + 1) - norm.logMs),
  };
}

/** Where a norm is kept. */
export interface SiteNorms {
  of(site: string): SiteNorm;
  keep(site: string, norm: SiteNorm): void;
}

/** Norms in memory, the sites least lately seen going first. */
export class NormTable implements SiteNorms {
  readonly #capacity: number;
  readonly #norms = new Map<string, SiteNorm>();

  constructor({ capacity = 10_000 }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  of(site: string): SiteNorm {
    return this.#norms.get(site) ?? noNorm;
  }

  keep(site: string, norm: SiteNorm): void {
    this.#norms.delete(site);
    this.#norms.set(site, norm);
    if (this.#norms.size <= this.#capacity) return;
    const oldest = this.#norms.keys().next();
    if (!oldest.done) this.#norms.delete(oldest.value);
  }
}
