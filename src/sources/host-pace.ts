import Bottleneck from 'bottleneck';

/** How often somebody may be asked, and by how many requests at once. */
export interface Pace {
  readonly perSecond: number;
  readonly concurrency: number;
}

/** Paces what is asked of each host. */
export class HostPace {
  readonly #limiters = new Map<string, Bottleneck>();

  /** Carries out `work` when it is its turn at `host`. */
  run<Result>(host: string, { perSecond, concurrency }: Pace, work: () => Promise<Result>): Promise<Result> {
    const key = `${host} ${perSecond} ${concurrency}`;
    const known = this.#limiters.get(key);
    const limiter = known ?? new Bottleneck({ maxConcurrent: concurrency, minTime: 1000 / perSecond });
    this.#limiters.set(key, limiter);
    return limiter.schedule(work);
  }
}
