import type { PlacedSource } from '../pool/placed-source.ts';
import { countOf } from '../protocol/count-text.ts';
import { formatSpan, LONGEST_TIMER_MS } from '../protocol/units.ts';
import type { CopyFacts, ListCopies } from '../store/list-copies.ts';
import { StoreError } from '../store/store-error.ts';
import { gently } from './gently.ts';
import type { HostPace } from './host-pace.ts';
import { inspectList } from './list-inspection.ts';
import { fetchSource, type SourceReply } from './source-fetch.ts';

/** What fails is tried again after so long, in ms, then after twice as long, but no later than it is refreshed anyway. */
const FIRST_RETRY_MS = 5_000;
/** Waits are longer or shorter by up to this part, so that sources don't keep step. */
const JITTER = 0.1;

export interface RefreshOptions {
  readonly copies: ListCopies;
  readonly pace: HostPace;
  /** Where commands run, and what of the environment they get. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Unix time in ms. */
  readonly wallTime: () => number;
  readonly random: () => number;
  readonly warn: (line: string) => void;
  /** There is another copy than before. */
  readonly onChange: (pool: string) => void;
}

/** How a source does. Times are Unix time in ms. */
export interface RefreshState {
  readonly hasCopy: boolean;
  readonly confirmedAt: number | null;
  readonly exits: number | null;
  readonly nextAt: number;
  /** Why the last refresh gave nothing; null where it did. */
  readonly failure: string | null;
  /** When the first refresh of those was that have failed in a row. */
  readonly failingSince: number | null;
  /** All refreshes that failed. */
  readonly failures: number;
}

/** Asks one source now and again, and keeps the last good copy of what it said: what fails, names no exits, or far fewer than before,
 *  changes nothing. */
export class SourceRefresh {
  readonly source: PlacedSource;
  readonly #options: RefreshOptions;
  readonly #ending = new AbortController();
  #facts: CopyFacts | null;
  #failuresInRow = 0;
  #failures = 0;
  #failure: string | null = null;
  /** The same without the source's own words. */
  #told: string | null = null;
  #failingSince: number | null = null;
  #nextAt: number;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(source: PlacedSource, options: RefreshOptions) {
    this.source = source;
    this.#options = options;
    this.#facts = options.copies.facts(source.key);
    const now = options.wallTime();
    const due = this.#known === null ? now : this.#known.confirmedAt + source.entry.source.refreshMs;
    // A clock that was put back makes no copy fresh for longer than it is.
    this.#nextAt = Math.min(Math.max(due, now), now + source.entry.source.refreshMs);
  }

  /** Refreshes from now on, at once where it is due. */
  start(): void {
    const { warn, wallTime } = this.#options;
    if (this.#facts !== null && this.#nextAt > wallTime()) {
      this.#schedule();
      return;
    }
    if (this.#facts !== null) warn(`${this.#name}: begins with its copy of ${this.#age} ago, and asks for a new one`);
    else if (this.#hasCopy) warn(`${this.#name}: begins with a copy of unknown age`);
    void this.refresh();
  }

  get state(): RefreshState {
    const { confirmedAt = null, exits = null } = this.#facts ?? {};
    const [failure, failingSince, failures] = [this.#failure, this.#failingSince, this.#failures];
    return { hasCopy: this.#hasCopy, confirmedAt, exits, nextAt: this.#nextAt, failure, failingSince, failures };
  }

  /** Asks now, or joins who is asking. Never rejects. */
  refresh(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running ??= this.#ask().finally(() => {
      this.#running = null;
      this.#schedule();
    });
    return this.#running;
  }

  stop(): void {
    this.#ending.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const { copies } = this.#options;
    const draft = copies.draft(this.source.key);
    try {
      const { pace, folder, env } = this.#options;
      const { signal } = this.#ending;
      const reply = await fetchSource(this.source, { draft, known: this.#known, pace, folder, env, signal });
      if (signal.aborted) return;
      if (reply.kind === 'failed') this.#fail(reply.message, reply.retryAfterMs, reply.said);
      else await this.#take(reply, draft);
    } catch (cause) {
      if (this.#ending.signal.aborted) return;
      this.#fail(cause instanceof StoreError ? cause.detail : `its copy cannot be kept (${cause})`, null);
    } finally {
      dropDraft(copies, draft);
    }
  }

  async #take(reply: Exclude<SourceReply, { kind: 'failed' }>, draft: string): Promise<void> {
    const { copies, wallTime, onChange } = this.#options;
    const { key, definition, pool, entry } = this.source;
    const known = this.#known;
    if (reply.kind === 'unchanged' || reply.digest === known?.digest) {
      if (known === null) return this.#fail('it says that nothing has changed, of which there is no copy', null);
      const validators = reply.kind === 'content' ? { etag: reply.etag, lastModified: reply.lastModified } : {};
      this.#facts = { ...known, ...validators, confirmedAt: wallTime() };
      copies.note(key, this.#facts);
      return this.#succeed('');
    }
    const { exits, faults, first } = await gently(inspectList(draft, entry));
    if (this.#ending.signal.aborted) return;
    const refusal = this.#refusalOf(exits);
    if (refusal !== null) return this.#fail(first === null ? refusal : `${refusal}; ${first}`, null);
    const { digest, etag, lastModified, skipped } = reply;
    const facts = { definition, digest, etag, lastModified, confirmedAt: wallTime(), exits };
    copies.take(key, { draft, facts });
    // What couldn't be kept is no copy: the next answer isn't compared with it.
    this.#facts = facts;
    const bad = faults + skipped;
    this.#succeed(
      bad === 0
        ? ''
        : `${countOf(exits, 'exit')}, and ${bad} entries that are none${first ? `, such as ${first}` : ''}`,
    );
    onChange(pool);
  }

  /** A copy that was fetched by another definition is served, but says nothing of what is still the same. */
  get #known(): CopyFacts | null {
    return this.#facts?.definition === this.source.definition ? this.#facts : null;
  }

  /** A page that tells of an error must not empty a pool. */
  #refusalOf(exits: number): string | null {
    const before = this.#known?.exits ?? 0;
    if (this.source.entry.source.shrink === 'allow') return null;
    if (exits === 0) return 'it names no exits';
    return exits * 2 < before
      ? `it names ${exits} exits where it named ${before}, which is not believed without "shrink: allow"`
      : null;
  }

  #succeed(remark: string): void {
    const { warn, random, wallTime } = this.#options;
    if (this.#failure !== null) warn(`${this.#name}: could be had again`);
    if (remark !== '') warn(`${this.#name}: ${remark}`);
    this.#failure = null;
    this.#told = null;
    this.#failingSince = null;
    this.#failuresInRow = 0;
    this.#nextAt = wallTime() + this.#spread(this.source.entry.source.refreshMs, random());
  }

  #fail(message: string, retryAfterMs: number | null, said: string | null = null): void {
    const { warn, random, wallTime } = this.#options;
    const { refreshMs } = this.source.entry.source;
    const wait = this.#spread(Math.min(refreshMs, FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInRow, 20)), random());
    this.#failuresInRow += 1;
    this.#failures += 1;
    this.#failingSince ??= wallTime();
    this.#nextAt = wallTime() + Math.max(wait, retryAfterMs ?? 0);
    const age = this.#facts === null ? 'unknown age' : `${this.#age} ago`;
    const stays = this.#hasCopy ? `its copy of ${age} stays` : 'there is no copy of it yet';
    const failure = said === null ? message : `${message}: ${said}`;
    // One that goes on failing alike was told of.
    if (this.#told !== message) warn(`${this.#name}: ${failure}; ${stays}`);
    this.#told = message;
    this.#failure = failure;
  }

  #spread(ms: number, chance: number): number {
    return ms * (1 + JITTER * (2 * chance - 1));
  }

  #schedule(): void {
    if (this.#ending.signal.aborted) return;
    const wait = Math.min(Math.max(0, this.#nextAt - this.#options.wallTime()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => void this.refresh(), wait).unref();
  }

  get #name(): string {
    const { pool, shown, place } = this.source;
    return `pool ${pool}: ${shown} (${place})`;
  }

  /** One of which nothing is known serves, too. */
  get #hasCopy(): boolean {
    return this.#facts !== null || this.#options.copies.has(this.source.key);
  }

  get #age(): string {
    const { confirmedAt } = this.#facts ?? { confirmedAt: 0 };
    return formatSpan(Math.max(0, this.#options.wallTime() - confirmedAt));
  }
}

function dropDraft(copies: ListCopies, draft: string): void {
  try {
    copies.drop(draft);
  } catch {
    // The next one goes over it.
  }
}
