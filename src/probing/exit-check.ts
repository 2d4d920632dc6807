import type { CheckedExit, CheckState } from '../admin/check-command.ts';
import type { CheckJournal } from './check-journal.ts';

/** How often what was found is written down, in ms. */
const SAVE_MS = 200;

/** Results in one answer, and in what is written at once. */
const MOST_RESULTS = 2_000;

export interface ExitCheckOptions {
  readonly id: string;
  /** Ids of exits that are still to be checked. */
  readonly exits: readonly string[];
  /** What was found before. */
  readonly before: readonly CheckedExit[];
  readonly concurrency: number;
  /** Checks one exit; null where there is none of that id any more. Rejects when `signal` is aborted. */
  readonly checkOne: (exit: string, signal: AbortSignal) => Promise<CheckedExit | null>;
  readonly journal: CheckJournal;
  readonly now: () => number;
  readonly warn: (line: string) => void;
}

/** One check of many exits, so many at a time. */
export class ExitCheck {
  readonly #options: ExitCheckOptions;
  readonly #results: CheckedExit[];
  readonly #byKind = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #beganAt: number;
  readonly #over: Promise<void>;
  #next = 0;
  #gone = 0;
  #saved: number;
  /** What was told of the journal last, empty once it is written again. */
  #unwritten = '';
  #octets = 0;
  #endedAt: number | null = null;
  #askedAt: number;

  constructor(options: ExitCheckOptions) {
    this.#options = options;
    this.#results = [...options.before];
    this.#saved = this.#results.length;
    for (const { kind } of this.#results) this.#count(kind);
    this.#beganAt = options.now();
    this.#askedAt = this.#beganAt;
    this.#over = this.#run();
  }

  get isOver(): boolean {
    return this.#endedAt !== null;
  }

  /** How long nobody has asked after it, in ms. */
  get unaskedMs(): number {
    return this.#options.now() - this.#askedAt;
  }

  stateSince(since: number): CheckState {
    const { id, exits, before, now } = this.#options;
    this.#askedAt = now();
    const all = exits.length + before.length - this.#gone;
    return {
      check: id,
      total: all,
      done: this.#results.length,
      before: before.length,
      byKind: Object.fromEntries(this.#byKind),
      octets: this.#octets,
      elapsedMs: Math.round((this.#endedAt ?? now()) - this.#beganAt),
      ended: this.#endedAt === null ? null : this.#results.length >= all ? 'finished' : 'stopped',
      results: this.#results.slice(since, since + MOST_RESULTS),
    };
  }

  /** Calls off what is under way; resolves when all that was found is written down. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the check was stopped'));
    await this.#over;
  }

  async #run(): Promise<void> {
    const { concurrency, exits, journal, now } = this.#options;
    const timer = setInterval(() => this.#save(), SAVE_MS);
    const lines = Array.from({ length: Math.min(concurrency, exits.length) }, () => this.#line());
    await Promise.all(lines);
    clearInterval(timer);
    this.#save();
    this.#endedAt = now();
    if (this.#next >= exits.length && !this.#abort.signal.aborted) this.#writes(() => journal.end());
  }

  async #line(): Promise<void> {
    const { exits, checkOne } = this.#options;
    for (;;) {
      const exit = exits[this.#next];
      if (exit === undefined || this.#abort.signal.aborted) return;
      this.#next += 1;
      try {
        const result = await checkOne(exit, this.#abort.signal);
        if (result === null) this.#gone += 1;
        else this.#take(result);
      } catch (cause) {
        if (this.#abort.signal.aborted) return;
        this.#gone += 1;
        this.#options.warn(`exit ${exit} could not be checked: ${cause}`);
      }
    }
  }

  #take(result: CheckedExit): void {
    this.#results.push(result);
    this.#octets += result.sent + result.received;
    this.#count(result.kind);
  }

  #count(kind: string): void {
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
  }

  /** What the disk doesn't take now it is given again; of what has gathered meanwhile no more is written out in vain than one part. */
  #save(): void {
    while (this.#saved < this.#results.length) {
      const fresh = this.#results.slice(this.#saved, this.#saved + MOST_RESULTS);
      if (!this.#writes(() => this.#options.journal.add(fresh))) return;
      this.#saved += fresh.length;
    }
  }

  /** Whether that could be done: the check goes on without its journal. What fails alike is told once. */
  #writes(work: () => void): boolean {
    try {
      work();
      this.#unwritten = '';
      return true;
    } catch (cause) {
      const line = `what the check found can't be written down: ${cause}`;
      if (line !== this.#unwritten) this.#options.warn(line);
      this.#unwritten = line;
      return false;
    }
  }
}
