/** Deaths within this time count as again and again, in ms. */
const RECENT_MS = 60_000;
/** From the third recent death on there is a pause, twice as long each time, in ms. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** When workers that died are replaced: at once, but with a pause where one dies again and again. */
export class Recoveries {
  readonly #now: () => number;
  readonly #replace: (worker: number) => void;
  readonly #deaths = new Map<number, readonly number[]>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #count = 0;

  constructor(now: () => number, replace: (worker: number) => void) {
    this.#now = now;
    this.#replace = replace;
  }

  /** Workers that had to be replaced. */
  get count(): number {
    return this.#count;
  }

  schedule(worker: number): void {
    this.#count++;
    this.tryAgain(worker);
  }

  /** The same for one that could not even be started. */
  tryAgain(worker: number): void {
    const now = this.#now();
    const recent = [...(this.#deaths.get(worker) ?? []), now].filter((at) => now - at < RECENT_MS);
    this.#deaths.set(worker, recent);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#replace(worker);
    }, pauseMs(recent.length));
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** How long to wait after so many recent deaths. */
export function pauseMs(deaths: number): number {
  return deaths < 3 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 3));
}
