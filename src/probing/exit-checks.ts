import { randomUUID } from 'node:crypto';
import {
  type CheckedExit,
  type CheckOrder,
  type CheckPlan,
  type CheckScope,
  type CheckState,
  type Checks,
  MOST_CHECKED,
} from '../admin/check-command.ts';
import { badArgument, CommandError } from '../admin/command-error.ts';
import { mismatchOf } from '../admin/probe-view.ts';
import { catalogue } from '../errors.ts';
import type { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import { pause } from '../gateway/pause.ts';
import type { ProbeResult } from '../gateway/probe/probe.ts';
import type { Exit } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import { type ProbeTarget, parseProbeTarget } from '../protocol/probe-target.ts';
import { CheckJournal } from './check-journal.ts';
import { ExitCheck } from './exit-check.ts';
import type { Place } from './geo-databases.ts';
import type { ProbeDesk } from './probe-desk.ts';

/** A check whose caller is gone is stopped after so long, in ms. */
const UNASKED_MS = 5_000;

/** Octets that a probe costs as a rule: handshakes of TLS are most of it. */
const USUAL = { handshake: 300, tunnel: 600, page: 1_200, tls: 6_000 } as const;

/** An account at its limit is asked again after this, in ms. */
const ACCOUNT_STEP_MS = 50;

export interface ExitChecksOptions {
  readonly registry: () => PoolRegistry;
  readonly desk: ProbeDesk;
  /** Checks count against the vendors' accounts as exchanges do, and wait for room. */
  readonly accounts: VendorAccounts;
  readonly placeOf: (address: string) => Place;
  /** Told of each exit that was checked. */
  readonly onResult: (exit: Exit, slot: number, result: ProbeResult) => void;
  readonly dataFolder: string;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** In ms since the epoch. */
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

/** Checks of exits as operators ask for them: one at a time, which can be taken up again where it was stopped. */
export class ExitChecks implements Checks {
  readonly #options: ExitChecksOptions;
  readonly #journal: CheckJournal;
  readonly #watch: NodeJS.Timeout;
  #running: { readonly id: string; readonly check: ExitCheck } | null = null;

  constructor(options: ExitChecksOptions) {
    this.#options = options;
    this.#journal = new CheckJournal(options.dataFolder);
    this.#watch = setInterval(() => this.#dropUnasked(), UNASKED_MS / 4).unref();
  }

  plan(scope: CheckScope): CheckPlan {
    const target = targetOf(scope);
    const registry = this.#options.registry();
    const costs = new Map<string, { exits: number; atMost: number; usual: number }>();
    for (const slot of this.#slotsOf(scope)) {
      const exit = registry.exitAt(slot);
      if (exit === undefined) continue;
      const sum = costs.get(exit.pool) ?? { exits: 0, atMost: 0, usual: 0 };
      sum.exits += 1;
      sum.atMost += this.#options.desk.worstCost(exit, target);
      sum.usual += this.#usualCost(exit, target);
      costs.set(exit.pool, sum);
    }
    const pools = [...costs].map(([pool, sum]) => ({ pool, ...sum, price: registry.pool(pool)?.price ?? null }));
    const unfinished = this.#journal.read();
    return { pools, unfinished: unfinished === null ? null : { done: unfinished.results.length, at: unfinished.at } };
  }

  start(order: CheckOrder): CheckState {
    if (this.#running?.check.isOver === false) {
      const message = 'another check is under way';
      throw new CommandError({ code: 'bad_request', message, remedy: 'wait for its end, or stop it' });
    }
    const target = targetOf(order);
    const { concurrency, timeoutMs, resume } = order;
    const scope: CheckScope = { pool: order.pool, target: order.target, limit: order.limit };
    const before = resume ? this.#foundBefore(scope) : [];
    if (before.length === 0) this.#journal.begin(scope, new Date(this.#options.wallTime()).toISOString());
    else this.#journal.mend();
    const known = new Set(before.map(({ exit }) => exit));
    const registry = this.#options.registry();
    const exits = [...this.#slotsOf(order)].map((slot) => registry.idOf(slot)).filter((id) => !known.has(id));
    const id = randomUUID();
    const { now, warn } = this.#options;
    const checkOne = (exit: string, signal: AbortSignal) =>
      this.#checkOne(exit, { target, deadlineMs: timeoutMs, signal });
    const check = new ExitCheck({ id, exits, before, concurrency, checkOne, journal: this.#journal, now, warn });
    this.#running = { id, check };
    return check.stateSince(0);
  }

  poll(id: string, since: number): CheckState {
    return this.#checkOf(id).stateSince(since);
  }

  async stop(id: string): Promise<CheckState> {
    const check = this.#checkOf(id);
    await check.stop();
    return check.stateSince(Number.MAX_SAFE_INTEGER);
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#running?.check.stop();
  }

  #dropUnasked(): void {
    const check = this.#running?.check;
    if (check !== undefined && !check.isOver && check.unaskedMs > UNASKED_MS) void check.stop();
  }

  #checkOf(id: string): ExitCheck {
    if (this.#running?.id === id) return this.#running.check;
    throw new CommandError({
      code: 'not_found',
      message: 'there is no such check',
      remedy: 'begin it anew with --resume',
    });
  }

  #foundBefore(scope: CheckScope): readonly CheckedExit[] {
    const former = this.#journal.read();
    if (former === null) throw badArgument('--resume', 'no check was left unfinished', 'begin one without --resume');
    const same = (['pool', 'target', 'limit'] as const).every((key) => former.scope[key] === scope[key]);
    const { pool = '', target, limit } = former.scope;
    const told = [
      pool,
      target === undefined ? '' : `--target ${target}`,
      limit === undefined ? '' : `--limit ${limit}`,
    ];
    const words = told.filter((part) => part !== '').join(' ');
    if (!same)
      throw badArgument('--resume', 'the unfinished check was another', `ask for "pool check ${words} --resume"`);
    return former.results;
  }

  /** Slots of the exits that are meant: all, or a sample from everywhere. */
  *#slotsOf({ pool, limit }: CheckScope): Iterable<number> {
    const registry = this.#options.registry();
    if (pool !== undefined && registry.pool(pool) === undefined) {
      throw new CommandError({
        code: 'not_found',
        message: `there is no pool "${pool}"`,
        remedy: 'see "roundabout pool list"',
      });
    }
    const pools = pool === undefined ? registry.pools().map(({ name }) => name) : [pool.toLowerCase()];
    const list = registry.candidates({ pools });
    if (limit === undefined && list.length > MOST_CHECKED)
      throw badArgument(
        'pool check',
        `there are ${list.length} exits`,
        `check a sample with --limit, up to ${MOST_CHECKED}`,
      );
    const most = Math.min(list.length, limit ?? MOST_CHECKED, MOST_CHECKED);
    for (let index = 0; index < most; index += 1)
      yield list[Math.floor(((index + jitter(index)) * list.length) / most)] ?? -1;
  }

  #usualCost(exit: Exit, target: ProbeTarget | null): number {
    const builtin = this.#options.desk.builtinFor(exit);
    const kind = target?.kind ?? (builtin === 'handshake' ? 'handshake' : 'page');
    const tls = (exit.endpoint.scheme === 'https' ? 1 : 0) + (target?.kind === 'page' && target.tls ? 1 : 0);
    return USUAL[kind] + tls * USUAL.tls;
  }

  async #checkOne(
    id: string,
    order: { readonly target: ProbeTarget | null; readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<CheckedExit | null> {
    const { accounts, desk, onResult, registry } = this.#options;
    for (;;) {
      const slot = registry().slotOf(id) ?? -1;
      const exit = registry().exitAt(slot);
      if (exit === undefined) return null;
      const account = accounts.take(slot);
      if (typeof account === 'string') {
        await pause(ACCOUNT_STEP_MS, order.signal);
        continue;
      }
      try {
        const result = await desk.probe(exit, order);
        onResult(exit, slot, result);
        return this.#shown(exit, result);
      } finally {
        accounts.giveBack(account.place);
      }
    }
  }

  #shown({ id, pool, endpoint, geo }: Exit, result: ProbeResult): CheckedExit {
    const { asked, kind, detail, stage, ms, status, sent, received, seen } = result;
    const place = seen?.address == null ? null : this.#options.placeOf(seen.address);
    const country = place?.country ?? seen?.country ?? null;
    const asn = place?.asn ?? seen?.asn ?? null;
    return {
      exit: id,
      pool,
      endpoint: formatEndpoint(endpoint),
      country: geo.country ?? null,
      asked,
      kind,
      detail,
      dead: kind !== 'ok' && stage === 'exit' && catalogue[kind].by === 'exit',
      ms: Math.round(ms),
      status,
      sent,
      received,
      address: seen?.address ?? null,
      seenCountry: country,
      seenAsn: asn,
      mismatch: mismatchOf(geo, { country, asn }),
    };
  }
}

/** Where in its stretch of the list a sample is taken, 0…1: always the same, so that a check can be taken up again, and without a
 *  period that the list may have as well. */
const jitter = (index: number): number => (Math.imul(index + 1, 0x9e3779b1) >>> 0) / 2 ** 32;

function targetOf({ target }: CheckScope): ProbeTarget | null {
  if (target === undefined) return null;
  const parsed = parseProbeTarget(target);
  if (parsed.ok) return parsed.value;
  throw badArgument('--target', parsed.fault.detail, 'write it like https://example.com/ or connect://example.com:443');
}
