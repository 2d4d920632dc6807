import Bottleneck from 'bottleneck';
import type { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import type { ProbeResult } from '../gateway/probe/probe.ts';
import type { Exit, Probing } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { formatAuthority } from '../protocol/authority.ts';
import type { ProbeTarget } from '../protocol/probe-target.ts';
import type { ProbeBudget } from './probe-budget.ts';
import type { ProbeDesk } from './probe-desk.ts';
import type { ProbeLessons } from './probe-lessons.ts';
import type { DueExit, ProbeRota } from './probe-rota.ts';

/** Longest pause between two looks at who is due, and the least between two probes of a pool, in ms. */
const LOOK_MS = 1_000;
const GAP_MS = 20;

/** Without a target of the operator's an answer may take so long, in ms. */
const BUILTIN_DEADLINE_MS = 10_000;

/** What probes did over a pool since the process started. */
export interface PoolProbeFigures {
  readonly byKind: ReadonlyMap<string, number>;
  readonly octets: number;
}

export interface ProberOptions {
  readonly registry: PoolRegistry;
  readonly desk: ProbeDesk;
  readonly rota: ProbeRota;
  readonly budget: ProbeBudget;
  readonly lessons: ProbeLessons;
  /** Probes count against the vendors' accounts as exchanges do. */
  readonly accounts: VendorAccounts;
  /** Told of each probe that was made. */
  readonly onResult: (exit: Exit, result: ProbeResult) => void;
  /** Whether exits of the pool may be probed now. */
  readonly mayProbe: (pool: string) => boolean;
  readonly now: () => number;
}

interface Line {
  readonly limiter: Bottleneck;
  readonly figures: { byKind: Map<string, number>; octets: number };
  nextTarget: number;
  concurrency: number;
}

/** Probes exits that are new, idle or recovering, pool by pool, within the pool's pace, concurrency and budget. Live traffic is the
 *  health check of all others. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #abort = new AbortController();
  readonly #lines = new Map<string, Line>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timers.set('', setInterval(() => this.#look(), LOOK_MS).unref());
  }

  /** What was done over the pool. */
  figuresOf(pool: string): PoolProbeFigures {
    return this.#lines.get(pool)?.figures ?? { byKind: new Map(), octets: 0 };
  }

  /** Calls off what is under way, and begins nothing more. */
  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#abort.abort(new Error('the gateway ends'));
    for (const { limiter } of this.#lines.values()) await limiter.stop({ dropWaitingJobs: true }).catch(() => {});
    await Promise.all(this.#running);
  }

  /** Pools come and go, and so do their paces: each with a pace shorter than the look has a timer of its own. */
  #look(): void {
    for (const pool of this.#options.registry.pools()) {
      this.#serve(pool.name);
      const everyMs = pool.probe?.everyMs ?? LOOK_MS;
      if (everyMs >= LOOK_MS || this.#timers.has(pool.name)) continue;
      this.#timers.set(pool.name, setInterval(() => this.#serve(pool.name), Math.max(GAP_MS, everyMs / 2)).unref());
    }
  }

  #serve(name: string): void {
    const { registry, rota, now, mayProbe } = this.#options;
    const pool = registry.pool(name);
    if (pool?.probe === undefined || pool.probe.budget === 0 || !mayProbe(name) || this.#abort.signal.aborted) return;
    const line = this.#lineOf(name, pool.probe);
    const { QUEUED = 0, RUNNING = 0, EXECUTING = 0, RECEIVED = 0 } = line.limiter.counts();
    const free = pool.probe.concurrency * 2 - QUEUED - RUNNING - EXECUTING - RECEIVED;
    for (const due of rota.due(pool, now(), free)) {
      rota.begin(due, pool.probe, now());
      const running = line.limiter.schedule(() => this.#probe(pool.name, due)).catch(() => {});
      this.#running.add(running);
      void running.finally(() => this.#running.delete(running));
    }
  }

  #lineOf(name: string, { concurrency }: Probing): Line {
    const known = this.#lines.get(name);
    if (known !== undefined) {
      if (known.concurrency !== concurrency) known.limiter.updateSettings({ maxConcurrent: concurrency });
      known.concurrency = concurrency;
      return known;
    }
    const limiter = new Bottleneck({ maxConcurrent: concurrency, minTime: GAP_MS });
    const line = { limiter, figures: { byKind: new Map(), octets: 0 }, nextTarget: 0, concurrency };
    this.#lines.set(name, line);
    return line;
  }

  async #probe(name: string, due: DueExit): Promise<void> {
    const { registry, desk, rota, budget, lessons, accounts, onResult, now } = this.#options;
    const [pool, exit, line] = [registry.pool(name), registry.exitAt(due.slot), this.#lines.get(name)];
    if (pool?.probe === undefined || exit === undefined || line === undefined) return;
    if (registry.generationOf(due.slot) !== due.generation || this.#abort.signal.aborted) return;
    const { target, maxLatencyMs } = nextTarget(pool.probe, line);
    const most = desk.worstCost(exit, target);
    const reservation = budget.reserve(name, most, { budget: pool.probe.budget, mayWait: due.reason !== 'recovering' });
    if (reservation === null) return;
    const account = accounts.take(due.slot);
    if (typeof account === 'string') return budget.settle(reservation, 0);
    let cost = most;
    try {
      const result = await desk.probe(exit, { target, deadlineMs: maxLatencyMs, signal: this.#abort.signal });
      cost = result.cost;
      line.figures.byKind.set(result.kind, (line.figures.byKind.get(result.kind) ?? 0) + 1);
      const at = { slot: due.slot, generation: due.generation };
      const targetKey = target === null ? desk.builtinFor(exit) : targetName(target);
      const lesson = lessons.learn({ at, exit, result, targetKey });
      rota.end(due, result.kind === 'ok' || lesson === 'works', { probe: pool.probe, now: now() });
      onResult(exit, result);
    } finally {
      accounts.giveBack(account.place);
      line.figures.octets += cost;
      budget.settle(reservation, cost);
    }
  }
}

/** The targets in turn. */
function nextTarget(
  { targets }: Probing,
  line: Line,
): { readonly target: ProbeTarget | null; readonly maxLatencyMs: number } {
  const next = targets[line.nextTarget % Math.max(1, targets.length)];
  line.nextTarget += 1;
  return next ?? { target: null, maxLatencyMs: BUILTIN_DEADLINE_MS };
}

/** A target as it is shown. */
export function targetName(target: ProbeTarget): string {
  if (target.kind === 'handshake') return 'handshake';
  if (target.kind === 'tunnel') return `connect://${formatAuthority(target.authority)}`;
  return `${target.tls ? 'https' : 'http'}://${formatAuthority(target.authority, target.tls ? 443 : 80)}${target.path}`;
}
