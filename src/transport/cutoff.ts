import type { AbortView } from './abort.ts';

/** Starts a wait: calls `resolve` or `reject` when it is over, at once or later, and returns what releases everything it holds.
 *  The release runs exactly once, however the wait ends. */
export type Begin<T> = (resolve: (value: T) => void, reject: (cause: unknown) => void) => () => void;

/** The end of a job that consists of several waits, one after the other: a deadline for all of them together, or the caller's
 *  abort. Close it when the job is done; until then it holds a timer and a listener on the signal. */
export class Cutoff {
  readonly #signal: AbortView | undefined;
  #timer: NodeJS.Timeout;
  #expired = false;
  #interrupt: (() => void) | null = null;

  /** `deadlineMs`: duration from now, at most 2^31 - 1. */
  constructor(deadlineMs: number, signal?: AbortView) {
    this.#signal = signal;
    this.#timer = setTimeout(this.#onDeadline, deadlineMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Waits for what `begin` starts. Rejects with the signal's reason when it is aborted, and with `late()` when the deadline
   *  passes, because only the wait knows whose silence it was. */
  wait<T>(late: () => Error, begin: Begin<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let release: (() => void) | null = null;
      let over = false;
      const finish = (): boolean => {
        if (over) return false;
        over = true;
        this.#interrupt = null;
        release?.();
        return true;
      };
      const interrupt = (): void => {
        if (finish()) reject(this.#expired ? late() : this.#signal?.reason);
      };
      if (this.#expired || this.#signal?.aborted) return interrupt();

      this.#interrupt = interrupt;
      release = begin(
        (value) => finish() && resolve(value),
        (cause) => finish() && reject(cause),
      );
      // Begun and over in one breath: nobody could release yet.
      if (over) release();
    });
  }

  /** All waits that follow have `deadlineMs` from now on: what was waited for meanwhile is no part of the job. */
  restart(deadlineMs: number): void {
    clearTimeout(this.#timer);
    this.#expired = false;
    this.#timer = setTimeout(this.#onDeadline, deadlineMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onDeadline = (): void => {
    this.#expired = true;
    this.#interrupt?.();
  };

  readonly #onAbort = (): void => this.#interrupt?.();
}
