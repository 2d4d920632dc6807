import { type GroupTable, GroupWord } from '../memory/group-table.ts';

/** Answers over which a group's level is a plain mean; afterwards it follows. */
const LEVEL_MEMORY = 24;

/** Steps by which the long and the short record of a group follow; the long one begins as a plain mean. */
const NOW_STEP = 1 / 16;
const LONG_MEMORY = 3_000;
const LONG_START = 20;

/** The share of answers that come later than `lateness` says, and the step by which that is tracked. */
const LATE_SHARE = 0.05;
const LATE_STEP = 0.02;

/** Step by which the time that a failure takes follows. */
const FAIL_STEP = 0.05;

/** The share of what an exit's width moves by that its provider's moves by. */
const WIDTH_STEP = 0.05;

/** What each exit's attempts teach of all that are alike: of those of its group and of its provider, whose rows are indices. */
export class GroupLessons {
  readonly #groups: GroupTable;

  constructor(groups: GroupTable) {
    this.#groups = groups;
  }

  /** An attempt over one of them worked: 1, or failed: 0. */
  tally(row: number, worked: 0 | 1): void {
    const { ints, floats } = this.#groups;
    const attempts = (ints[row + GroupWord.attempts] as number) + 1;
    ints[row + GroupWord.attempts] = attempts;
    const current = floats[row + GroupWord.worksNow] as number;
    const long = floats[row + GroupWord.worksLong] as number;
    floats[row + GroupWord.worksNow] = current + (worked - current) * NOW_STEP;
    floats[row + GroupWord.worksLong] = long + (worked - long) / Math.min(LONG_MEMORY, LONG_START + attempts);
  }

  /** A failure showed after `ms`. */
  failedAfter(row: number, ms: number): void {
    const { floats } = this.#groups;
    const known = floats[row + GroupWord.failMs] as number;
    floats[row + GroupWord.failMs] = known + (ms - known) * FAIL_STEP;
  }

  /** An answer came, beyond what counted as late or before. */
  came(row: number, beyond: boolean): void {
    const { floats } = this.#groups;
    const late = (floats[row + GroupWord.lateness] as number) + LATE_STEP * (beyond ? 1 - LATE_SHARE : -LATE_SHARE);
    floats[row + GroupWord.lateness] = Math.max(0.5, late);
  }

  /** ln of an exit's width moved by `step`. */
  width(row: number, step: number): void {
    const { floats } = this.#groups;
    floats[row + GroupWord.width] = Math.max(
      0,
      Math.min(7, (floats[row + GroupWord.width] as number) + step * WIDTH_STEP),
    );
  }

  /** An answer was off by `step` on the scale of ln ms, `trust` 0…1 of which is the level's; it begins at `start`. */
  level(
    row: number,
    { start, step, trust }: { readonly start: number; readonly step: number; readonly trust: number },
  ): void {
    const { ints, floats } = this.#groups;
    const answers = (ints[row + GroupWord.answers] as number) + 1;
    const level = answers === 1 ? start : (floats[row + GroupWord.level] as number);
    ints[row + GroupWord.answers] = answers;
    floats[row + GroupWord.level] = level + step * (answers < LEVEL_MEMORY ? 1 / answers : trust / LEVEL_MEMORY);
  }
}
