/** Counters of exchanges, for health and metrics: how many run, how the others ended, and how long they took. */

import type { AccessRecord, EndKind, Phase } from './access-record.ts';
import {
  attemptColumn,
  type Blamed,
  blamed,
  CLIENT_TO_ORIGIN,
  COLUMNS,
  CONNECTIONS_REFUSED,
  type CountedMode,
  cutColumn,
  endColumn,
  endKinds,
  FIRST_LAG,
  isCounted,
  LINES_DROPPED,
  modes,
  ORIGIN_TO_CLIENT,
  OVERLOADS,
  PHASE_SUM,
  phaseColumn,
  phases,
  poolEndColumn,
  poolOctetsColumn,
  RUNNING,
} from './counter-columns.ts';
import { BUCKETS, bucketOf, type Durations } from './durations.ts';

/** A copy of the counters. */
export interface CounterSnapshot {
  /** Exchanges that began and have not ended. */
  readonly running: number;
  /** Exchanges that ended. */
  readonly ended: number;
  /** Ended exchanges by kind; a kind that never occurred is absent. */
  readonly byKind: Readonly<Partial<Record<EndKind, number>>>;
  readonly byMode: Readonly<Record<CountedMode, ModeSnapshot>>;
  /** Attempts that ended; more than exchanges where failover was at work. */
  readonly attempts: Readonly<Record<EndKind, number>>;
  /** Octets of content and tunnels in ended exchanges. */
  readonly clientToOrigin: number;
  readonly originToClient: number;
  /** Connections refused for want of room, or closed to make some. */
  readonly connectionsRefused: number;
  /** Exchanges, and TLS handshakes, refused because their worker had more to do than it could. */
  readonly overloads: number;
  /** Lines of the access log that found no room on their way out of their worker. */
  readonly linesDropped: number;
}

/** Of the exchanges of one mode. */
export interface ModeSnapshot {
  readonly ended: Readonly<Record<EndKind, number>>;
  /** Those among them whose message was cut after its head. */
  readonly cut: number;
  /** How long those took in each phase that entered it. */
  readonly phases: Readonly<Record<Phase, Durations>>;
}

/** Of the ended exchanges whose last exit was of one pool. */
export interface PoolSnapshot {
  readonly ended: Readonly<Record<Blamed, number>>;
  readonly clientToOrigin: number;
  readonly originToClient: number;
}

/** What an ended exchange adds. */
export interface ExchangeEnd
  extends Pick<AccessRecord, 'kind' | 'by' | 'cut' | 'clientToOrigin' | 'originToClient' | 'phasesMs'> {
  readonly attempts: readonly { readonly kind: EndKind }[];
}

/** The counters of one worker, in figures that other threads may read. Only that worker writes them, which makes them exact: up
 *  to 2^53, as octets need. They never go back, and a worker that takes the place of a dead one counts on. */
export class Counters {
  readonly #figures: Float64Array<ArrayBufferLike>;

  /** `figures` are `Counters.columns` zeros at first, or what a former worker counted. */
  constructor(figures: Float64Array<ArrayBufferLike> = new Float64Array(COLUMNS)) {
    this.#figures = figures;
  }

  static readonly columns = COLUMNS;

  /** The counters of each worker over `memory`, which has `columns` figures for each. */
  static overAll(memory: SharedArrayBuffer): readonly Counters[] {
    const workers = memory.byteLength / Float64Array.BYTES_PER_ELEMENT / COLUMNS;
    return Array.from({ length: workers }, (_, worker) => Counters.of(memory, worker));
  }

  /** Those of one worker. */
  static of(memory: SharedArrayBuffer, worker: number): Counters {
    return new Counters(new Float64Array(memory, worker * COLUMNS * Float64Array.BYTES_PER_ELEMENT, COLUMNS));
  }

  /** An exchange begins. */
  begin(): void {
    this.#add(RUNNING, 1);
  }

  /** An exchange that began ends; an AccessRecord says all that is needed beside its mode and the number of its exit's pool. */
  end({ mode, pool = -1 }: { readonly mode: CountedMode; readonly pool?: number | undefined }, end: ExchangeEnd): void {
    const { kind, by, cut, attempts, clientToOrigin, originToClient, phasesMs } = end;
    this.#add(RUNNING, -1);
    this.#add(endColumn(mode, kind), 1);
    if (cut) this.#add(cutColumn(mode), 1);
    this.#add(CLIENT_TO_ORIGIN, clientToOrigin);
    this.#add(ORIGIN_TO_CLIENT, originToClient);
    if (isCounted(pool)) {
      this.#add(poolEndColumn(pool, by ?? 'nobody'), 1);
      this.#add(poolOctetsColumn(pool), clientToOrigin);
      this.#add(poolOctetsColumn(pool) + 1, originToClient);
    }
    for (const attempt of attempts) this.#add(attemptColumn(attempt.kind), 1);
    const { admit, attempt, relay } = phasesMs;
    if (admit !== undefined) this.#took(phaseColumn(mode, 'admit'), admit);
    if (attempt !== undefined) this.#took(phaseColumn(mode, 'attempt'), attempt);
    if (relay !== undefined) this.#took(phaseColumn(mode, 'relay'), relay);
  }

  /** A connection is refused for want of room, or closed to make some. */
  refuseConnection(): void {
    this.#add(CONNECTIONS_REFUSED, 1);
  }

  /** An exchange or a TLS handshake is refused because there is more to do than can be done. */
  refuseForOverload(): void {
    this.#add(OVERLOADS, 1);
  }

  /** A line of the access log is lost. */
  dropLine(): void {
    this.#add(LINES_DROPPED, 1);
  }

  /** The event loop came to a timer so many ms late. */
  lagged(ms: number): void {
    this.#took(FIRST_LAG, ms);
  }

  /** How late the event loop was, each time it was looked at. */
  get lag(): Durations {
    return durationsAt(FIRST_LAG, (column) => this.at(column));
  }

  /** What ran when the worker died runs no more. */
  release(): void {
    this.#figures[RUNNING] = 0;
  }

  /** Exchanges that began and have not ended. */
  get running(): number {
    return this.at(RUNNING);
  }

  snapshot(): CounterSnapshot {
    return sumCounters([this]);
  }

  /** The figure in `column`, for sums. */
  at(column: number): number {
    return this.#figures[column] ?? 0;
  }

  #took(column: number, ms: number): void {
    this.#add(column + bucketOf(ms), 1);
    this.#add(column + PHASE_SUM, ms);
  }

  #add(column: number, by: number): void {
    this.#figures[column] = this.at(column) + by;
  }
}

/** What several workers counted of the pool of this number; null where it isn't counted by itself. */
export function sumPool(all: readonly Counters[], pool: number): PoolSnapshot | null {
  if (!isCounted(pool)) return null;
  const sum = sumOver(all);
  const [clientToOrigin, originToClient] = [sum(poolOctetsColumn(pool)), sum(poolOctetsColumn(pool) + 1)];
  return { ended: recordOf(blamed, (by) => sum(poolEndColumn(pool, by))), clientToOrigin, originToClient };
}

/** The counters of several workers as one. */
export function sumCounters(all: readonly Counters[]): CounterSnapshot {
  const sum = sumOver(all);
  const modeOf = (mode: CountedMode): ModeSnapshot => ({
    ended: recordOf(endKinds, (kind) => sum(endColumn(mode, kind))),
    cut: sum(cutColumn(mode)),
    phases: recordOf(phases, (phase) => durationsAt(phaseColumn(mode, phase), sum)),
  });
  const byMode = recordOf(modes, modeOf);
  const byKind = endKinds.map(
    (kind) => [kind, modes.reduce((total, mode) => total + byMode[mode].ended[kind], 0)] as const,
  );
  return {
    running: sum(RUNNING),
    ended: byKind.reduce((total, [, count]) => total + count, 0),
    byKind: Object.fromEntries(byKind.filter(([, count]) => count > 0)),
    byMode,
    attempts: recordOf(endKinds, (kind) => sum(attemptColumn(kind))),
    clientToOrigin: sum(CLIENT_TO_ORIGIN),
    originToClient: sum(ORIGIN_TO_CLIENT),
    connectionsRefused: sum(CONNECTIONS_REFUSED),
    overloads: sum(OVERLOADS),
    linesDropped: sum(LINES_DROPPED),
  };
}

function durationsAt(first: number, at: (column: number) => number): Durations {
  const counts = Array.from({ length: BUCKETS }, (_, bucket) => at(first + bucket));
  return { counts, sumMs: at(first + PHASE_SUM) };
}

function sumOver(all: readonly Counters[]): (column: number) => number {
  return (column) => all.reduce((total, counters) => total + counters.at(column), 0);
}

function recordOf<Key extends string, Value>(keys: readonly Key[], make: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
}
