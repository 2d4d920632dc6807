import { elapsedMs, remainingMs } from '../memory/clock.ts';
import { EXIT_WORDS, type ExitRows, ExitWord, History } from '../memory/exit-rows.ts';

/** Time constant in ms after which a latency figure that nobody renewed counts 1/e. Source: Finagle's PeakEwma (`decayTime`). */
export const latencyDecayMs = 10_000;

/** Latency in ms assumed of an exit that nothing is known about. Optimistic, so that new exits are tried soon; not zero, so that
 *  exchanges already in flight still make one dearer than the next. */
export const priorLatencyMs = 50;

/** A figure of which less than this is left is no measurement any more: half a minute after the last sample. */
const leastWeight = 0.05;

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

/** A copy of what the simple strategies know of an exit, for people and tests. Durations in ms, Infinity where it never happened. */
export interface ExitHealthView {
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly failuresInRow: number;
  readonly workedAgoMs: number;
  /** How long it stays ejected; 0 where it isn't. */
  readonly ejectedForMs: number;
  readonly generation: number;
}

/** Latency and ejection of every exit, as the simple strategies see them, in the shared rows. */
export class ExitHealth {
  readonly rows: ExitRows;

  constructor(rows: ExitRows) {
    this.rows = rows;
  }

  /** An attempt begins: where the exit's ejection is over, it is the one that tries it. */
  began(slot: number, now: number): void {
    if (this.standingOf(slot, now) !== Standing.trial) return;
    const { ints } = this.rows;
    const base = slot * EXIT_WORDS;
    ints[base + ExitWord.history] = (ints[base + ExitWord.history] ?? 0) | History.onTrial;
    ints[base + ExitWord.ejectedUntil] = now + trialMs;
  }

  /** The exit worked, `latencyMs` after the attempt began. Ends any ejection. A sample slower than the projected figure replaces
   *  it at once; a faster one pulls it down the further, the longer ago the last sample was. Source: Finagle's PeakEwma. */
  succeeded(slot: number, latencyMs: number, now: number): void {
    if (!this.rows.reaches(slot)) return;
    const { ints, floats } = this.rows;
    const base = slot * EXIT_WORDS;
    const weight = this.#weightOf(slot, now);
    const rises = latencyMs >= this.latencyAt(slot, now);
    const learned = floats[base + ExitWord.latency] ?? 0;
    floats[base + ExitWord.latency] = rises ? latencyMs : learned * weight + latencyMs * (1 - weight);
    ints[base + ExitWord.workedAt] = now;
    ints[base + ExitWord.history] = History.worked;
  }

  /** The exit failed, by its own fault. Ejects it for 1 s, 2 s, 4 s … 60 s by failures in a row. */
  failed(slot: number, now: number): void {
    if (!this.rows.reaches(slot)) return;
    const { ints } = this.rows;
    const base = slot * EXIT_WORDS;
    const history = ints[base + ExitWord.history] ?? 0;
    // A burst of exchanges that fails at one moment is one failure: only what fails after an ejection counts as the next.
    const counts = (history & History.onTrial) !== 0 || this.ejectedForMs(slot, now) === 0;
    const failures = Math.min(History.failures, (history & History.failures) + (counts ? 1 : 0));
    ints[base + ExitWord.history] = (history & ~(History.failures | History.onTrial)) | failures;
    ints[base + ExitWord.ejectedUntil] = now + Math.min(longestEjectionMs, firstEjectionMs * 2 ** (failures - 1));
  }

  /** Latency in ms as projected to `now`: the learned figure, drifting to the prior while nobody renews it, so that a slow exit
   *  is tried again and a fast one isn't trusted for ever. */
  latencyAt(slot: number, now: number): number {
    if (!this.rows.reaches(slot)) return priorLatencyMs;
    const learned = this.rows.floats[slot * EXIT_WORDS + ExitWord.latency] ?? 0;
    return priorLatencyMs + (learned - priorLatencyMs) * this.#weightOf(slot, now);
  }

  /** The learned figure in ms as it was measured, for people; null where nobody renewed it for so long that picks go by the prior. */
  learnedLatencyAt(slot: number, now: number): number | null {
    if (!this.rows.reaches(slot) || this.#weightOf(slot, now) < leastWeight) return null;
    return this.rows.floats[slot * EXIT_WORDS + ExitWord.latency] ?? null;
  }

  /** What a pick may do with the exit now. While one exchange tries it, it stands as ejected for all others. */
  standingOf(slot: number, now: number): Standing {
    if (this.rows.failuresInRowOf(slot) === 0) return Standing.open;
    return this.ejectedForMs(slot, now) === 0 ? Standing.trial : Standing.ejected;
  }

  /** How long the exit stays ejected, in ms; 0 where it isn't. */
  ejectedForMs(slot: number, now: number): number {
    if (this.rows.failuresInRowOf(slot) === 0) return 0;
    return remainingMs(now, this.rows.ints[slot * EXIT_WORDS + ExitWord.ejectedUntil] ?? 0, longestEjectionMs);
  }

  /** All of it, latency as projected to `now`. */
  viewOf(slot: number, now: number): ExitHealthView {
    return {
      latencyMs: this.latencyAt(slot, now),
      inFlight: this.rows.inFlightOf(slot),
      failuresInRow: this.rows.failuresInRowOf(slot),
      workedAgoMs: this.rows.workedAgoMs(slot, now),
      ejectedForMs: this.ejectedForMs(slot, now),
      generation: this.rows.generationOf(slot),
    };
  }

  /** How much the last sample still counts, 1 … 0; 0 where there is none. */
  #weightOf(slot: number, now: number): number {
    const base = slot * EXIT_WORDS;
    if (((this.rows.ints[base + ExitWord.history] ?? 0) & History.worked) === 0) return 0;
    return Math.exp(-elapsedMs(now, this.rows.ints[base + ExitWord.workedAt] ?? 0) / latencyDecayMs);
  }
}
