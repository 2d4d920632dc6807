import type { Config } from '../config/config.ts';
import { Bounds } from '../gateway/limits/bounds.ts';
import { QuotaBooks } from '../gateway/quotas/quota-books.ts';
import { Quotas } from '../gateway/quotas/quotas.ts';
import { cameWhole } from '../gateway/tunnels/tunnel-exchange.ts';
import { BLOCKED, type BookingBatch, type BookingKey, LOOK_FIELDS, NO_LINES } from '../ledger/booking.ts';
import { hashText } from '../memory/hash.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import { QuotaCounts } from '../policy/quota-counts.ts';
import type { RelayCounts, RelayOutcome } from '../transport/relay.ts';
import type { SharedState } from './shared-state.ts';

export interface LeftTunnelsOptions {
  readonly shared: Pick<SharedState, 'memory' | 'registry' | 'ledger' | 'quotas'>;
  /** As they stand now. */
  readonly config: () => Pick<Config, 'clientQuotas'>;
  readonly clients: () => readonly ClientRecord[];
  /** What a tunnel outside of JavaScript has passed so far; null where it has ended. */
  readonly countsOutside: (handle: number) => RelayCounts | null;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly warn: (line: string) => void;
}

/** Under what tunnels are booked, and whether they count against quotas: mostly the same for many. */
interface Payer {
  readonly key: BookingKey;
  readonly host: string;
  readonly isMetered: boolean;
}

/** One that its worker told of, and what of it was booked by then. There are as many of them as idle tunnels: each field counts. */
interface Told {
  readonly startedAt: number;
  payer: Payer;
  sent: number;
  received: number;
}

/** One whose worker has died, and what it had passed by then: so much was counted against quotas, give or take its last grant. */
interface Left extends Told {
  readonly counted: RelayCounts;
}

/** What workers told of their tunnels outside of JavaScript, so that those which outlive one are booked, and count against their clients'
 *  quotas, all the same: when they end, or at the latest with the gateway. Their relay lets them pass no more than they were granted. */
export class LeftTunnels {
  readonly #options: LeftTunnelsOptions;
  readonly #quotas: Quotas;
  /** Those of workers that live, by their numbers. */
  readonly #told = new Map<number, Map<number, Told>>();
  readonly #left = new Map<number, Left>();
  /** Of these, those that had ended when a worker died last. */
  #over: ReadonlySet<number> = new Set();
  #clients: readonly ClientRecord[] = [];
  #byName: ReadonlyMap<string, ClientRecord> = new Map();

  constructor(options: LeftTunnelsOptions) {
    const { shared, config, now, warn } = options;
    this.#options = options;
    // As a worker does: the keeper is told of counts that memory didn't hold.
    const met = (account: Parameters<typeof shared.quotas.met>[0]) => shared.quotas.met(account);
    this.#quotas = new Quotas({
      counts: new QuotaCounts(shared.memory.limits, { now, wallTime: Date.now, met }),
      books: new QuotaBooks({ everyone: () => config().clientQuotas, directory: () => this.#directory() }),
      priceOf: (pool) => shared.registry.pool(pool)?.price,
      now,
      wallTimeAt: (at) => Date.now() + at - now(),
      notice: warn,
    });
  }

  /** A worker has booked something. */
  heard(worker: number, { bookings, tunnels }: BookingBatch): void {
    if (tunnels === undefined) return;
    const told = this.#told.get(worker) ?? new Map<number, Told>();
    this.#told.set(worker, told);
    const begun = new Map(tunnels.begun.map((tunnel) => [tunnel.handle, tunnel]));
    const { looks } = tunnels;
    let last: Payer | null = null;
    for (let at = 0; at < looks.length; at += LOOK_FIELDS) {
      const handle = looks[at] ?? 0;
      const key = bookings[looks[at + 1] ?? -1];
      const known = told.get(handle);
      const first = begun.get(handle);
      const host = known?.payer.host ?? first?.host;
      if (key === undefined || host === undefined) continue;
      const payer: Payer = payerLike(last, { key, host, isMetered: looks[at + 2] === 1 });
      const [sent = 0, received = 0] = looks.subarray(at + 3, at + LOOK_FIELDS);
      if (known !== undefined) Object.assign(known, { payer, sent, received });
      else if (first !== undefined) told.set(handle, { startedAt: Math.floor(first.startedAt), payer, sent, received });
      last = payer;
    }
    for (const handle of tunnels.ended) told.delete(handle);
  }

  /** A worker has died, and has told all that it will: its tunnels go on. */
  died(worker: number): void {
    const { countsOutside } = this.#options;
    // The end of one may be on its way; of one that its worker had booked without telling of it none comes.
    const over = [...this.#left.keys()].filter((handle) => countsOutside(handle) === null);
    for (const handle of over) if (this.#over.has(handle)) this.#left.delete(handle);
    this.#over = new Set(over);
    for (const [handle, tunnel] of this.#told.get(worker) ?? []) {
      const counted = countsOutside(handle) ?? { bytesAtoB: tunnel.sent, bytesBtoA: tunnel.received };
      this.#left.set(handle, { ...tunnel, counted });
    }
    this.#told.delete(worker);
  }

  /** A tunnel has ended whose thread had before. */
  ended(handle: number, outcome: RelayOutcome): void {
    const tunnel = this.#takeOut(handle);
    if (tunnel !== null) this.#book(tunnel, cameWhole(outcome) ? 'ok' : 'cut', outcome);
  }

  /** The gateway ends, and what still runs with it: also of workers that hang, and end with it. */
  close(): void {
    const { countsOutside } = this.#options;
    for (const worker of [...this.#told.keys()]) this.died(worker);
    for (const [handle, tunnel] of this.#left) {
      const counts = countsOutside(handle);
      if (counts !== null) this.#book(tunnel, 'cut', { ...counts, unreadB: 0 });
    }
    this.#left.clear();
  }

  /** The end of one that ended first may be told before its worker's. */
  #takeOut(handle: number): Left | null {
    const left = this.#left.get(handle);
    if (left !== undefined) {
      this.#left.delete(handle);
      return left;
    }
    for (const told of this.#told.values()) {
      const tunnel = told.get(handle);
      if (tunnel === undefined) continue;
      told.delete(handle);
      return { ...tunnel, counted: { bytesAtoB: tunnel.sent, bytesBtoA: tunnel.received } };
    }
    return null;
  }

  #book(tunnel: Left, end: 'ok' | 'cut', passed: RelayCounts & { readonly unreadB: number }): void {
    const { shared, now } = this.#options;
    const { payer, startedAt, counted } = tunnel;
    const { client, tag, site, pool, country } = payer.key;
    // The octets that were booked as it ran stay where they are.
    const kind = payer.key.kind === BLOCKED ? BLOCKED : end;
    const all = { sent: passed.bytesAtoB, received: passed.bytesBtoA + passed.unreadB };
    const rest = since(all, { sent: tunnel.sent, received: tunnel.received });
    const figures = { exchanges: 1, attempts: 1, requests: 1, ...rest, ms: now() - startedAt };
    const booking = { client, tag, site, pool, country, kind, ...figures };
    shared.ledger?.take({ bookings: [booking], lines: NO_LINES, linesLost: 0 });
    if (payer.isMetered) this.#count(payer, since(all, { sent: counted.bytesAtoB, received: counted.bytesBtoA }));
  }

  #count({ key, host }: Payer, moved: Moved): void {
    const client = this.#directory().get(key.client);
    if (client === undefined) return;
    const asked = {
      admission: { client, params: { tag: key.tag === '' ? undefined : key.tag } },
      bounds: new Bounds(hashText(client.name), host, key.site),
    };
    this.#quotas.late(asked, { exit: { pool: key.pool?.name ?? '' }, pool: key.pool }, moved);
  }

  #directory(): ReadonlyMap<string, ClientRecord> {
    const clients = this.#options.clients();
    if (clients !== this.#clients) {
      this.#clients = clients;
      this.#byName = new Map(clients.map((client) => [client.name, client]));
    }
    return this.#byName;
  }
}

/** The former payer where the next one is the same. */
function payerLike(former: Payer | null, next: Payer): Payer {
  const isSame = former?.key === next.key && former.host === next.host && former.isMetered === next.isMetered;
  return isSame ? former : next;
}

interface Moved {
  readonly sent: number;
  readonly received: number;
}

const since = (now: Moved, before: Moved): Moved => ({
  sent: Math.max(0, now.sent - before.sent),
  received: Math.max(0, now.received - before.received),
});
