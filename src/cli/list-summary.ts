import type { ConfigFault } from '../config/fault.ts';
import { formatFault } from '../config/fault.ts';
import type { ChangeCounts } from '../pool/list-change.ts';
import type { ListedExit, ListSink } from '../pool/list-formats/list-reader.ts';
import { SkippedKinds } from '../pool/list-formats/skipped-kinds.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import { printable } from './printable.ts';
import { type Cell, formatFacts } from './table.ts';

/** So many faults, and so many exits of each sort, are shown. */
const SHOWN_FAULTS = 20;
const SHOWN_EXITS = 10;

const unchanged: ChangeCounts = { added: 0, changed: 0, removed: 0, unchanged: 0, duplicates: 0 };

/** What a command would do to a pool's list, for who is to say yes to it. */
export class ListSummary {
  readonly pool: string;
  readonly list: string;
  readonly #source: string;
  readonly #faults: ConfigFault[] = [];
  readonly #skipped = new SkippedKinds();
  readonly #examples = new Map<string, string[]>();
  #faulty = 0;
  counts = unchanged;
  /** Where less than half of the exits would be left, and that wasn't allowed: how many. */
  shrinking: string | null = null;

  constructor({ pool, list, source }: { readonly pool: string; readonly list: string; readonly source: string }) {
    this.pool = pool;
    this.list = list;
    this.#source = source;
  }

  /** Entries of the source that are no exits. */
  get faulty(): number {
    return this.#faulty;
  }

  get changes(): number {
    return this.counts.added + this.counts.changed + this.counts.removed;
  }

  /** Takes what a list holds; its exits go to `exit`. */
  sink(exit: ListSink['exit']): ListSink {
    return {
      exit,
      fault: (line, message) => this.fault(line, message),
      skipped: (_, kind) => this.#skipped.add(kind),
    };
  }

  fault(line: number, message: string): void {
    this.#faulty += 1;
    if (this.#faults.length < SHOWN_FAULTS)
      this.#faults.push({ file: this.#source, line, column: 1, path: '', message });
  }

  /** Shows an exit, as far as there is room: without its credential. */
  example(sign: '+' | '~' | '-', exit: ListedExit): void {
    const examples = this.#examples.get(sign) ?? [];
    this.#examples.set(sign, examples);
    if (examples.length >= SHOWN_EXITS) return;
    const { country, city } = exit.geo;
    const words = [sign, formatEndpoint(exit.endpoint), country, city, exit.name];
    examples.push(words.filter((word) => word != null).join(' '));
  }

  /** Whether more examples of this sort would be shown. */
  wants(sign: '+' | '~' | '-'): boolean {
    return (this.#examples.get(sign)?.length ?? 0) < SHOWN_EXITS;
  }

  lines(): string[] {
    const { added, changed, removed, duplicates } = this.counts;
    const facts: [string, Cell][] = [
      ['pool', this.pool],
      ['list', this.list],
      ['added', added],
      ['changed', changed],
      ['removed', removed],
      ['unchanged', this.counts.unchanged],
    ];
    if (this.shrinking !== null) facts.push(['shrinks', this.shrinking]);
    if (duplicates > 0) facts.push(['duplicates', `${duplicates} (merged into the first)`]);
    if (this.#skipped.count > 0) facts.push(['skipped', `${this.#skipped.text} (cannot be dialled)`]);
    if (this.#faulty > 0) facts.push(['faulty', this.#faulty]);
    return [...formatFacts(facts), ...this.#exampleLines(), ...this.#faultLines()];
  }

  json(): object {
    return {
      pool: this.pool,
      list: this.list,
      ...this.counts,
      shrinks: this.shrinking !== null,
      skipped: this.#skipped.toJSON(),
      faulty: this.#faulty,
      faults: this.#faults,
    };
  }

  #exampleLines(): string[] {
    const { added, changed, removed } = this.counts;
    const totals = { '+': added, '~': changed, '-': removed };
    return Object.entries(totals).flatMap(([sign, total]) => {
      const shown = this.#examples.get(sign) ?? [];
      const more = total - shown.length;
      return [...shown.map(printable), ...(more > 0 && shown.length > 0 ? [`${sign} ${more} more`] : [])];
    });
  }

  #faultLines(): string[] {
    const shown = this.#faults.map((fault) => printable(formatFault(fault)));
    const more = this.#faulty - shown.length;
    return more > 0 ? [...shown, `${more} more faults`] : shown;
  }
}
