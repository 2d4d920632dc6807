/** What is known of every exit, one row per slot, as parallel arrays that grow by doubling. The rows are all that a pick reads
 *  and all that an attempt writes, so that they can move into shared memory without their callers noticing. */

/** Time constant in ms after which a latency figure that nobody renewed counts 1/e. Source: Finagle's PeakEwma (`decayTime`). */
export const latencyDecayMs = 10_000;

/** Latency in ms assumed of an exit that nothing is known about. Optimistic, so that new exits are tried soon; not zero, so that
 *  exchanges already in flight still make one dearer than the next. */
export const priorLatencyMs = 50;

/** The first failure in a row ejects for this long, in ms; each further one for twice as long … */
export const firstEjectionMs = 1_000;

/** … up to this long, in ms. */
export const longestEjectionMs = 60_000;

/** One exchange tries an exit whose ejection is over. Its result decides; if none comes, another may try after this long, in ms. */
export const trialMs = 10_000;

/** How an exit stands, best first: `open` (its last attempt succeeded, or it has had none), `trial` (its ejection is over, and it
 *  may take one exchange to show that it works again), `ejected`. */
export const Standing = Object.freeze({ open: 0, trial: 1, ejected: 2 });
export type Standing = (typeof Standing)[keyof typeof Standing];

/** A copy of one row, for people and tests. Times are monotonic ms; -Infinity where it never happened. */
export interface ExitRow {
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly failuresInRow: number;
  readonly successes: number;
  readonly lastSuccessAt: number;
  readonly lastFailureAt: number;
  readonly ejectedUntil: number;
  readonly generation: number;
}

const grown = <T extends Float64Array | Int32Array>(old: T, fresh: T): T => {
  fresh.set(old);
  return fresh;
};

/** The rows of all exits. Any slot ≥ 0 may be named: one never written reads as an exit that nothing is known about. */
export class ExitTable {
  #capacity = 64;
  #latencyMs = new Float64Array(this.#capacity);
  #sampledAt = new Float64Array(this.#capacity).fill(-Infinity);
  #lastSuccessAt = new Float64Array(this.#capacity).fill(-Infinity);
  #lastFailureAt = new Float64Array(this.#capacity).fill(-Infinity);
  #ejectedUntil = new Float64Array(this.#capacity).fill(-Infinity);
  #triedUntil = new Float64Array(this.#capacity).fill(-Infinity);
  #successes = new Float64Array(this.#capacity);
  #inFlight = new Int32Array(this.#capacity);
  #failuresInRow = new Int32Array(this.#capacity);
  #generation = new Int32Array(this.#capacity);

  /** A new exit moves into `slot`: nothing that was learned of the former one remains, and what it still has in flight is
   *  forgotten. Returns the new generation (≥ 1). */
  reset(slot: number): number {
    this.#reserve(slot);
    this.#latencyMs[slot] = 0;
    this.#sampledAt[slot] = -Infinity;
    this.#lastSuccessAt[slot] = -Infinity;
    this.#lastFailureAt[slot] = -Infinity;
    this.#ejectedUntil[slot] = -Infinity;
    this.#triedUntil[slot] = -Infinity;
    this.#successes[slot] = 0;
    this.#inFlight[slot] = 0;
    this.#failuresInRow[slot] = 0;
    const generation = this.generationOf(slot) + 1;
    this.#generation[slot] = generation;
    return generation;
  }

  /** An attempt takes the exit. Returns the generation it took, to be given back to `end` exactly once. */
  begin(slot: number, now: number): number {
    this.#reserve(slot);
    if (this.standingOf(slot, now) === Standing.trial) this.#triedUntil[slot] = now + trialMs;
    this.#inFlight[slot] = this.inFlightOf(slot) + 1;
    return this.generationOf(slot);
  }

  /** Gives back what `begin` took. Does nothing where another exit has moved into the slot since. */
  end(slot: number, generation: number): void {
    if (generation === this.generationOf(slot)) this.#inFlight[slot] = Math.max(0, this.inFlightOf(slot) - 1);
  }

  /** The exit worked, `latencyMs` after the attempt began. Ends any ejection. A sample slower than the projected figure replaces
   *  it at once; a faster one pulls it down the further, the longer ago the last sample was. Source: Finagle's PeakEwma. */
  succeeded(slot: number, latencyMs: number, now: number): void {
    this.#reserve(slot);
    const weight = this.#weightOf(slot, now);
    const rises = latencyMs >= this.latencyAt(slot, now);
    this.#latencyMs[slot] = rises ? latencyMs : (this.#latencyMs[slot] ?? 0) * weight + latencyMs * (1 - weight);
    this.#sampledAt[slot] = now;
    this.#lastSuccessAt[slot] = now;
    this.#successes[slot] = (this.#successes[slot] ?? 0) + 1;
    this.#failuresInRow[slot] = 0;
    this.#ejectedUntil[slot] = -Infinity;
  }

  /** The exit failed, by its own fault. Ejects it for 1 s, 2 s, 4 s … 60 s by failures in a row. */
  failed(slot: number, now: number): void {
    this.#reserve(slot);
    this.#lastFailureAt[slot] = now;
    // A burst of exchanges that fails at one moment is one failure: only what fails after an ejection counts as the next.
    const counts = now >= this.ejectedUntilOf(slot);
    const failures = this.failuresInRowOf(slot) + (counts ? 1 : 0);
    this.#failuresInRow[slot] = failures;
    this.#ejectedUntil[slot] = now + Math.min(longestEjectionMs, firstEjectionMs * 2 ** (failures - 1));
    this.#triedUntil[slot] = -Infinity;
  }

  /** Latency in ms as projected to `now`: the learned figure, drifting to the prior while nobody renews it, so that a slow exit
   *  is tried again and a fast one isn't trusted for ever. */
  latencyAt(slot: number, now: number): number {
    const learned = this.#latencyMs[slot] ?? 0;
    return priorLatencyMs + (learned - priorLatencyMs) * this.#weightOf(slot, now);
  }

  /** What `pick` may do with the exit now. While one exchange tries it, it stands as ejected for all others. */
  standingOf(slot: number, now: number): Standing {
    if (this.failuresInRowOf(slot) === 0) return Standing.open;
    const isDue = now >= this.ejectedUntilOf(slot) && now >= (this.#triedUntil[slot] ?? -Infinity);
    return isDue ? Standing.trial : Standing.ejected;
  }

  inFlightOf(slot: number): number {
    return this.#inFlight[slot] ?? 0;
  }

  failuresInRowOf(slot: number): number {
    return this.#failuresInRow[slot] ?? 0;
  }

  ejectedUntilOf(slot: number): number {
    return this.#ejectedUntil[slot] ?? -Infinity;
  }

  /** How many exits have been in the slot; 0 before the first `reset`. */
  generationOf(slot: number): number {
    return this.#generation[slot] ?? 0;
  }

  /** The whole row, latency as projected to `now`. */
  row(slot: number, now: number): ExitRow {
    return {
      latencyMs: this.latencyAt(slot, now),
      inFlight: this.inFlightOf(slot),
      failuresInRow: this.failuresInRowOf(slot),
      successes: this.#successes[slot] ?? 0,
      lastSuccessAt: this.#lastSuccessAt[slot] ?? -Infinity,
      lastFailureAt: this.#lastFailureAt[slot] ?? -Infinity,
      ejectedUntil: this.ejectedUntilOf(slot),
      generation: this.generationOf(slot),
    };
  }

  /** How much the last sample still counts, 1 … 0; 0 where there is none. */
  #weightOf(slot: number, now: number): number {
    return Math.exp(((this.#sampledAt[slot] ?? -Infinity) - now) / latencyDecayMs);
  }

  #reserve(slot: number): void {
    if (slot < this.#capacity) return;
    while (this.#capacity <= slot) this.#capacity *= 2;
    const size = this.#capacity;
    this.#latencyMs = grown(this.#latencyMs, new Float64Array(size));
    this.#sampledAt = grown(this.#sampledAt, new Float64Array(size).fill(-Infinity));
    this.#lastSuccessAt = grown(this.#lastSuccessAt, new Float64Array(size).fill(-Infinity));
    this.#lastFailureAt = grown(this.#lastFailureAt, new Float64Array(size).fill(-Infinity));
    this.#ejectedUntil = grown(this.#ejectedUntil, new Float64Array(size).fill(-Infinity));
    this.#triedUntil = grown(this.#triedUntil, new Float64Array(size).fill(-Infinity));
    this.#successes = grown(this.#successes, new Float64Array(size));
    this.#inFlight = grown(this.#inFlight, new Int32Array(size));
    this.#failuresInRow = grown(this.#failuresInRow, new Int32Array(size));
    this.#generation = grown(this.#generation, new Int32Array(size));
  }
}
