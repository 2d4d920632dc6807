/** One deadline that can be set again and again. It fires at most once per setting and never after clear() or rest(). */
export class Deadline {
  #onPassed: () => void;
  #timer: NodeJS.Timeout | null = null;
  #setMs = 0;
  #resting = false;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Sets the deadline `ms` from now, in place of any set before. */
  set(ms: number): void {
    this.#resting = false;
    if (this.#timer !== null && this.#setMs === ms) {
      // Re-arming in place costs a tenth of a new timer, and progress re-arms at every chunk.
      this.#timer.refresh();
      return;
    }
    this.clear();
    this.#setMs = ms;
    this.#timer = setTimeout(this.#fire, ms);
  }

  /** Calls `onPassed` in place of what it called so far; its time goes on. */
  handTo(onPassed: () => void): void {
    this.#onPassed = onPassed;
  }

  clear(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** As clear(), but keeps the timer for the next set(), for who sets the same deadline with every message. Must be cleared in
   *  the end: a timer at rest still holds its owner. */
  rest(): void {
    this.#resting = true;
  }

  readonly #fire = (): void => {
    this.#timer = null;
    if (!this.#resting) this.#onPassed();
  };
}
