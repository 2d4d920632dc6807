import { elapsedMs } from '../memory/clock.ts';
import {
  type ExitRows,
  ExitWord as exitWord,
  EXIT_WORDS as exitWords,
  History as historyBits,
} from '../memory/exit-rows.ts';
import {
  EVERYTHING,
  type GroupTable,
  GroupWord as groupWord,
  GROUP_WORDS as groupWords,
} from '../memory/group-table.ts';
import { fade, nearExp } from './fading.ts';
import { GroupLessons } from './group-lessons.ts';
import type { Parameters } from './parameters.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in, which makes picks a tenth cheaper.
const EXIT_WORDS = exitWords;
const ExitWord = exitWord;
const History = historyBits;
const GROUP_WORDS = groupWords;
const GroupWord = groupWord;

const LOW = 0xffff;

/** A sample further off than this many standard deviations counts as this far. */
const FAR = 2.5;

/** An answer takes at least this share of its exit's part, whatever its site's own time. */
const LEAST_SHARE = 0.2;

/** Least variance of what is known of an exit's speed, and the share of a surprise's square that adds to it. */
const LEAST_DOUBT = 0.004;
const SURPRISE = 0.25;

/** Variance that is kept of ln of an exit's width. */
const WIDTH_VARIANCE = 0.02;

/** When an attempt failed: `ms` after the exchange began; null where that isn't known. */
export interface FailedAt {
  readonly ms: number | null;
  readonly now: number;
  /** The slot stands for many exits, each of which has few exchanges: one that fails says little of the next. */
  readonly ofMany?: boolean;
}

/** How an attempt failed: told at once, by silence, or midway. */
export type PathFailure = 'refused' | 'timed_out' | 'broke';

/** How the exits fare, whatever the site: how fast, and how likely they work. `look` fills the figures of one exit, so that a pick
 *  makes no garbage. */
export class PathBeliefs {
  readonly #rows: ExitRows;
  readonly #groups: GroupTable;
  readonly #lessons: GroupLessons;
  readonly #of: Parameters;

  /** Of the exit looked at: time in ms that its part of an answer takes without others beside it; … */
  ms = 0;
  /** … variance of ln(ms); … */
  doubt = 0;
  /** … factor by which those that wait slow it down; … */
  queue = 1;
  /** … that factor and what one more exchange costs those beside it: prices count both, or each exchange for itself would crowd
   *  the fastest exits; … */
  crowding = 1;
  /** … chance that its way through works; … */
  path = 0;
  /** … weight 0…1 of its decayed figures; … */
  weight = 1;
  /** … and its provider's row, as an index. */
  provider = 0;

  /** Square of the share of its width that is taken. */
  #filled = 0;
  /** What its figures fade by, and its doubt grows by, in a ms. */
  readonly #forgetting: number;
  readonly #drift: number;
  /** The level asked about last, and its ms: exits of one pick mostly are of one group. */
  #level = 0;
  #ofLevelMs = 1;

  constructor(tables: { readonly rows: ExitRows; readonly groups: GroupTable }, parameters: Parameters) {
    this.#rows = tables.rows;
    this.#groups = tables.groups;
    this.#lessons = new GroupLessons(tables.groups);
    this.#of = parameters;
    this.#forgetting = Math.LN2 / parameters.evidence;
    this.#drift = parameters.drift / 1000;
  }

  /** `queued`: how many wait beside the one in question; those that do now, unless told. */
  look(slot: number, now: number, queued = this.#rows.waitingOf(slot)): void {
    const { ints, floats } = this.#rows;
    const base = slot * EXIT_WORDS;
    const group = ((ints[base + ExitWord.group] as number) & LOW) * GROUP_WORDS;
    const provider = (this.#groups.ints[group + GroupWord.provider] as number) * GROUP_WORDS;
    const aged = elapsedMs(now, ints[base + ExitWord.at] as number);
    this.provider = provider;
    this.weight = fade(aged * this.#forgetting);
    this.doubt = this.#doubtOf(floats[base + ExitWord.doubt] as number, aged);
    this.ms = this.#levelMs(this.#levelOf(group, provider)) * nearExp(floats[base + ExitWord.speed] as number);
    const width =
      (this.#groups.floats[provider + GroupWord.width] as number) + (floats[base + ExitWord.width] as number);
    this.#filled = queued === 0 ? 0 : queued * queued * Math.exp(-2 * width);
    this.queue = 1 + this.#filled;
    this.crowding = 1 + this.#of.crowding * this.#filled;
    this.#lookAtPath(base, queued, now);
  }

  /** Time in ms of a page, over all that are served. */
  get pageMs(): number {
    return this.#groups.floats[EVERYTHING + GroupWord.pageMs] as number;
  }

  /** Time in ms until a failure over an exit of the provider shows. */
  failMs(provider: number): number {
    return this.#groups.floats[provider + GroupWord.failMs] as number;
  }

  /** How many times as long as expected the slowest twentieth of answers over the exit looked at takes at least. */
  get lateness(): number {
    return Math.exp(this.#lateBy(this.doubt + this.#of.noise));
  }

  /** The way through the exit, looked at last, worked: it answered after `ms`, of which the site's own time is `ownMs`. */
  worked(
    slot: number,
    { ms, ownMs, now }: { readonly ms: number; readonly ownMs: number; readonly now: number },
  ): void {
    const { ints, floats } = this.#rows;
    const base = slot * EXIT_WORDS;
    this.#age(base, now);
    floats[base + ExitWord.good] = (floats[base + ExitWord.good] as number) + 1;
    ints[base + ExitWord.history] = History.worked;
    ints[base + ExitWord.workedAt] = now;
    this.#lessons.tally(this.provider, 1);
    this.#learn(base, ms, ownMs);
  }

  failed(slot: number, how: PathFailure, moment: FailedAt): void {
    const { ints, floats } = this.#rows;
    const base = slot * EXIT_WORDS;
    this.look(slot, moment.now);
    this.#age(base, moment.now);
    floats[base + ExitWord.bad] = (floats[base + ExitWord.bad] as number) + 1;
    if (moment.ms !== null) this.#lessons.failedAfter(this.provider, moment.ms);
    const history = ints[base + ExitWord.history] as number;
    if ((history & History.misses) !== History.misses && !moment.ofMany)
      ints[base + ExitWord.history] = history + History.oneMiss;
    if (how === 'timed_out') floats[base + ExitWord.doubt] = Math.min(this.#of.diversity, this.doubt + 0.05);
    this.#lessons.tally(this.provider, 0);
  }

  #levelOf(group: number, provider: number): number {
    const { ints, floats } = this.#groups;
    if ((ints[group + GroupWord.answers] as number) > 0) return floats[group + GroupWord.level] as number;
    if ((ints[provider + GroupWord.answers] as number) > 0) return floats[provider + GroupWord.level] as number;
    return Math.log(floats[EVERYTHING + GroupWord.pageMs] as number);
  }

  #levelMs(level: number): number {
    if (level !== this.#level) {
      this.#level = level;
      this.#ofLevelMs = Math.exp(level);
    }
    return this.#ofLevelMs;
  }

  #doubtOf(known: number, agedMs: number): number {
    const { diversity } = this.#of;
    return known === 0 ? diversity : Math.min(diversity, known + agedMs * this.#drift);
  }

  /** Its own record, drawn toward its provider's; times the odds that it still lives, which fall with the time since it last
   *  worked, and with every failure since: those that wait and are overdue count as one. */
  #lookAtPath(base: number, queued: number, now: number): void {
    const { ints, floats } = this.#rows;
    const of = this.#of;
    const long = this.#groups.floats[this.provider + GroupWord.worksLong] as number;
    const current = this.#groups.floats[this.provider + GroupWord.worksNow] as number;
    const good = (floats[base + ExitWord.good] as number) * this.weight;
    const bad = (floats[base + ExitWord.bad] as number) * this.weight;
    // One quotient for all of it: own record, its provider's now over the long run, and the odds that it lives.
    const works = (good + of.prior * long) * Math.min(1, current / long);
    const tried = good + bad + of.prior;
    const history = ints[base + ExitWord.history] as number;
    this.path = works / tried;
    const failures = (history & History.misses) / History.oneMiss + (queued > 0 && this.#isOverdue(base, now) ? 1 : 0);
    if (failures === 0 && (history & History.worked) === 0) return;
    const unseen =
      (history & History.worked) === 0 ? of.notice : elapsedMs(now, ints[base + ExitWord.workedAt] as number);
    const gone = Math.min(of.notice, unseen) / of.life;
    const chance = failures === 0 ? 1 : Math.max(0.02, 1 - this.path) ** Math.min(6, failures);
    this.path = (works * chance) / (tried * (chance + gone));
  }

  #isOverdue(base: number, now: number): boolean {
    const waited = elapsedMs(now, this.#rows.ints[base + ExitWord.waitingSince] as number);
    return waited > this.ms * this.queue * this.lateness;
  }

  #age(base: number, now: number): void {
    const { ints, floats } = this.#rows;
    const aged = elapsedMs(now, ints[base + ExitWord.at] as number);
    const weight = fade(aged * this.#forgetting);
    floats[base + ExitWord.good] = (floats[base + ExitWord.good] as number) * weight;
    floats[base + ExitWord.bad] = (floats[base + ExitWord.bad] as number) * weight;
    const doubt = floats[base + ExitWord.doubt] as number;
    if (doubt !== 0) floats[base + ExitWord.doubt] = this.#doubtOf(doubt, aged);
    ints[base + ExitWord.at] = now;
  }

  /** Time in ms of an answer over the exit looked at, of a site that takes so long itself. */
  answerMs(ownMs: number): number {
    const exitMs = this.ms * this.queue;
    return Math.max(LEAST_SHARE * exitMs, exitMs + ownMs);
  }

  /** Compares an answer's time with what was expected. Of speed, width and the group's level that which is known least moves most
   *  (the step of a Kalman filter over logarithms); a sample far off says too that less is known than it seemed. */
  #learn(base: number, ms: number, ownMs: number): void {
    const { floats } = this.#rows;
    const { noise, diversity } = this.#of;
    const expected = this.answerMs(ownMs);
    const off = Math.log(ms / expected);
    const share = Math.min(1, (this.ms * this.queue) / expected);
    const slope = (-2 * this.#filled * share) / this.queue;
    const plain = this.doubt * share * share + noise;
    const variance = plain + slope * slope * WIDTH_VARIANCE;
    const far = FAR * Math.sqrt(variance);
    const step = Math.max(-far, Math.min(far, off));
    const gain = (this.doubt * share) / variance;
    floats[base + ExitWord.speed] = (floats[base + ExitWord.speed] as number) + gain * step;
    this.#learnWidth(base, (WIDTH_VARIANCE * slope * step) / variance);
    const surprise = Math.max(0, off * off - 4 * variance);
    floats[base + ExitWord.doubt] = Math.min(
      diversity,
      Math.max(LEAST_DOUBT, this.doubt * (1 - gain * share) + SURPRISE * surprise),
    );
    this.#learnLevel(base, step, noise / variance);
    this.#lessons.came(this.provider, off > this.#lateBy(plain));
  }

  #lateBy(variance: number): number {
    return (this.#groups.floats[this.provider + GroupWord.lateness] as number) * Math.sqrt(variance);
  }

  #learnWidth(base: number, step: number): void {
    if (step === 0) return;
    const own = this.#rows.floats;
    own[base + ExitWord.width] = Math.max(-1.5, Math.min(1.5, (own[base + ExitWord.width] as number) + step));
    this.#lessons.width(this.provider, step);
  }

  /** A group's level moves by what is off about its exits, by those known well more than by others. */
  #learnLevel(base: number, step: number, trust: number): void {
    const group = ((this.#rows.ints[base + ExitWord.group] as number) & LOW) * GROUP_WORDS;
    for (const row of group === this.provider ? [group] : [group, this.provider]) {
      this.#lessons.level(row, { start: this.#levelOf(group, this.provider), step, trust });
    }
  }
}
