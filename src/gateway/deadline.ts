/** One deadline that can be set again and again. It fires at most once per setting and never after clear(). */
export class Deadline {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | null = null;
  #setMs = 0;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Sets the deadline `ms` from now, in place of any set before. */
  set(ms: number): void {
    if (this.#timer !== null && this.#setMs === ms) {
      // Re-arming in place costs a tenth of a new timer, and progress re-arms at every chunk.
      this.#timer.refresh();
      return;
    }
    this.clear();
    this.#setMs = ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#onPassed();
    }, ms);
  }

  clear(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
