/** How long an event loop has worked, and waited for work, in ms. The system's loop keeps that sum anyway, and another thread can
 *  read it: it costs its own thread nothing, and one that hangs can't hold up the answer. */
export interface LoopTime {
  readonly active: number;
  readonly idle: number;
}

const none: LoopTime = { active: 0, idle: 0 };

/** The times of threads that take one another's place, as one that never goes back: of one that has ended counts what was seen
 *  last. */
export class LoopTimes {
  #former = none;
  #last = none;

  /** What is told, when the thread of now says `time`; undefined where there is none. */
  look(time: LoopTime = none): LoopTime {
    // One that is about to end says nothing any more.
    if (time.active >= this.#last.active && time.idle >= this.#last.idle) this.#last = time;
    return sum(this.#former, this.#last);
  }

  /** The thread has ended. */
  end(): void {
    this.#former = sum(this.#former, this.#last);
    this.#last = none;
  }
}

const sum = (a: LoopTime, b: LoopTime): LoopTime => ({ active: a.active + b.active, idle: a.idle + b.idle });
