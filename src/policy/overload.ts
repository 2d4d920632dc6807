/** When a thread has more to do than it can. Durations in ms. */
export interface OverloadRule {
  /** Requests that wait so long before anyone looks at them wait too long, … */
  readonly delayMs: number;
  /** … where all of them have for this long. */
  readonly afterMs: number;
}

/** While nothing is late, looks in each `delayMs`: a look costs a call of the system. */
const LOOKS = 10;

/** Nothing asked for so long, in ms beyond `afterMs`, and what was seen before says nothing of now. */
const STALE_MS = 1_000;

/** Tells whether a new exchange had better be refused at once than served late. Like CoDel it goes by how long things have waited
 *  already, and lets bursts pass: only where all that was looked at had waited too long, for `afterMs`, it begins to refuse what has;
 *  what hasn't is served all the time. So the queue that stands before the thread stays as long as what it can do in `delayMs`, and
 *  it never has less to do than it can. Once nothing has waited too long for `afterMs` it refuses nothing. */
export class Overload {
  readonly #rule: () => OverloadRule | null;
  readonly #now: () => number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Since when all has waited too long; null while something hasn't. */
  #lateSince: number | null = null;
  #refusing = false;
  /** While refusing: since when nothing has waited too long; null while something has. */
  #calmSince: number | null = null;

  /** `rule` is asked each time, so that a reload counts at once; null where nothing is to be refused. */
  constructor(rule: () => OverloadRule | null, now: () => number) {
    this.#rule = rule;
    this.#now = now;
  }

  /** Asked once for each new exchange: whether to refuse it. `waitedMs` tells for how long it has waited, negative where that isn't
   *  known, and is asked only now and then while nothing is late. */
  refuses(waitedMs: () => number): boolean {
    const rule = this.#rule();
    if (rule === null) return false;
    const { delayMs, afterMs } = rule;
    const now = this.#now();
    const isQuiet = this.#lateSince === null && !this.#refusing;
    if (isQuiet && now - this.#lookedAt < delayMs / LOOKS) return false;
    const waited = waitedMs();
    if (waited < 0) return false;
    if (now - this.#lookedAt > afterMs + STALE_MS) this.#forget();
    this.#lookedAt = now;
    return waited < delayMs ? this.#inTime(now, afterMs) : this.#late(now, afterMs);
  }

  #inTime(now: number, afterMs: number): false {
    this.#lateSince = null;
    this.#calmSince ??= now;
    if (now - this.#calmSince >= afterMs) this.#refusing = false;
    return false;
  }

  #late(now: number, afterMs: number): boolean {
    this.#lateSince ??= now;
    this.#calmSince = null;
    this.#refusing ||= now - this.#lateSince >= afterMs;
    return this.#refusing;
  }

  #forget(): void {
    this.#lateSince = null;
    this.#refusing = false;
    this.#calmSince = null;
  }
}
