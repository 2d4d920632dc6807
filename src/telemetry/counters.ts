/** Counters of exchanges, for health: how many run, and how the others ended. */

import { catalogue } from '../errors.ts';
import type { EndKind } from './access-record.ts';

/** A copy of the counters. */
export interface CounterSnapshot {
  /** Exchanges that began and have not ended. */
  readonly running: number;
  /** Exchanges that ended. */
  readonly ended: number;
  /** Attempts that ended; more than exchanges where failover was at work. */
  readonly attempts: number;
  /** Octets of content and tunnels in ended exchanges. */
  readonly clientToOrigin: number;
  readonly originToClient: number;
  /** Ended exchanges by kind; a kind that never occurred is absent. */
  readonly byKind: Readonly<Partial<Record<EndKind, number>>>;
}

/** What an ended exchange adds. */
export interface ExchangeEnd {
  readonly kind: EndKind;
  readonly attempts: { readonly length: number };
  readonly clientToOrigin: number;
  readonly originToClient: number;
}

const RUNNING = 0;
const ENDED = 1;
const ATTEMPTS = 2;
const CLIENT_TO_ORIGIN = 3;
const ORIGIN_TO_CLIENT = 4;
const FIRST_KIND = 5;

const kinds = ['ok', 'client_left', ...Object.keys(catalogue)] as readonly EndKind[];
const columnOf = new Map(kinds.map((kind, index) => [kind, FIRST_KIND + index]));

/** The counters of one worker, in figures that other threads may read. Only that worker writes them, which makes them exact: up
 *  to 2^53, as octets need. */
export class Counters {
  readonly #figures: Float64Array<ArrayBufferLike>;

  /** `figures` are `Counters.columns` zeros at first, or what a former worker counted. */
  constructor(figures: Float64Array<ArrayBufferLike> = new Float64Array(Counters.columns)) {
    this.#figures = figures;
  }

  static readonly columns = FIRST_KIND + kinds.length;

  /** The counters of each worker over `memory`, which has `columns` figures for each. */
  static overAll(memory: SharedArrayBuffer): readonly Counters[] {
    const all = new Float64Array(memory);
    return Array.from(
      { length: all.length / Counters.columns },
      (_, worker) => new Counters(all.subarray(worker * Counters.columns, (worker + 1) * Counters.columns)),
    );
  }

  /** An exchange begins. */
  begin(): void {
    this.#add(RUNNING, 1);
  }

  /** An exchange that began ends; an AccessRecord says all that is needed. */
  end({ kind, attempts, clientToOrigin, originToClient }: ExchangeEnd): void {
    this.#add(RUNNING, -1);
    this.#add(ENDED, 1);
    this.#add(ATTEMPTS, attempts.length);
    this.#add(CLIENT_TO_ORIGIN, clientToOrigin);
    this.#add(ORIGIN_TO_CLIENT, originToClient);
    this.#add(columnOf.get(kind) ?? FIRST_KIND, 1);
  }

  /** What ran when the worker died runs no more. */
  release(): void {
    this.#figures[RUNNING] = 0;
  }

  snapshot(): CounterSnapshot {
    return sumCounters([this]);
  }

  /** The figure in `column`, for sums. */
  at(column: number): number {
    return this.#figures[column] ?? 0;
  }

  #add(column: number, by: number): void {
    this.#figures[column] = this.at(column) + by;
  }
}

/** The counters of several workers as one. */
export function sumCounters(all: readonly Counters[]): CounterSnapshot {
  const sum = (column: number): number => all.reduce((total, counters) => total + counters.at(column), 0);
  const byKind = [...columnOf].map(([kind, column]) => [kind, sum(column)] as const);
  return {
    running: sum(RUNNING),
    ended: sum(ENDED),
    attempts: sum(ATTEMPTS),
    clientToOrigin: sum(CLIENT_TO_ORIGIN),
    originToClient: sum(ORIGIN_TO_CLIENT),
    byKind: Object.fromEntries(byKind.filter(([, count]) => count > 0)),
  };
}
