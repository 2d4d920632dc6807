import type { LimitCell, LimitCounts } from '../policy/limit-counts.ts';
import type { ContentGate } from '../transport/http-connection.ts';
import type { RelayHandle } from '../transport/relay.ts';
import type { Exchange } from './exchange.ts';
import { FlowWatch } from './flow-watch.ts';
import { pause } from './pause.ts';
import { isScarce, LEAST_QUOTA_GRANT } from './quota-grants.ts';
import type { Quotas } from './quotas.ts';

/** A tunnel is let pass so much at first: most don't need more, and what they don't is of no use to others meanwhile. Quotas let so
 *  much pass at any time. */
const FIRST_GRANT = LEAST_QUOTA_GRANT;
const LEAST_GRANT = 2 * 1024;
const MOST_GRANT = 64 * 1024 * 1024;

/** Where there is no room to count a client nothing passes uncounted: it is asked for again after so many ms. */
const NO_ROOM_MS = 250;

/** A grant lasts about so long where its tunnel is alone, in ms; where n tunnels share a limit, one waits for √n times as long. */
const GRANT_MS = 50;

export interface FlowsOptions {
  readonly counts: LimitCounts;
  readonly quotas: Quotas;
  readonly now: () => number;
}

/** Lets octets pass as fast as their client's limit allows, and as long as its quotas do: of a tunnel in grants, each of which is taken
 *  from the client's word when the one before is used up, and of content that is forwarded piece by piece, each of which is paid for
 *  before it passes. All of a client's, of every thread, ask in turn, for as much as each other: that is their fair share. */
export class Flows {
  readonly #options: FlowsOptions;
  readonly #watch = new FlowWatch((exchange) => this.#look(exchange));

  constructor(options: FlowsOptions) {
    this.#options = options;
  }

  /** Null where the exchange may begin `now`; else resolves once the client has paid for what passed before. Rejects with the reason of
   *  the exchange's end. */
  enter({ limits, abort }: Exchange, now: number): Promise<void> | null {
    const flow = limits?.flow ?? null;
    if (flow === null) return null;
    const debtMs = this.#options.counts.debtMs(flow, now);
    return debtMs <= 0 ? null : pause(Math.ceil(debtMs), abort);
  }

  /** What meters a tunnel of the exchange; null where nothing does yet. */
  tunnel(exchange: Exchange): TunnelFlow | null {
    return isMetered(exchange) ? new TunnelFlow(exchange, this.#options) : null;
  }

  /** The exchange lasts: it is looked at now and then, until it has ended. */
  follow(exchange: Exchange): void {
    this.#watch.add(exchange);
  }

  ended(exchange: Exchange): void {
    this.#watch.remove(exchange);
    exchange.carrier = null;
  }

  /** Whether octets of the exchange may have to wait: what only quotas meter never does. */
  paces(exchange: Exchange): boolean {
    return isPaced(exchange);
  }

  /** What meters content of the exchange on its way; null where nothing does. `onWait` is told for how long nothing will pass, in ms. */
  content(exchange: Exchange, onWait: (waitMs: number) => void): ContentFlow | null {
    if (!isMetered(exchange)) return null;
    const flow = new ContentFlow(exchange, this.#options, onWait);
    // Content of a response begins right behind its head; that of a request comes before.
    if (exchange.confirmedAt === null) this.follow(exchange);
    return flow;
  }

  #look(exchange: Exchange): void {
    const { quotas } = this.#options;
    const { quota, carrier, flow } = exchange;
    if (!quotas.cover(exchange)) return;
    // Until now nothing could end a tunnel that passes outside.
    if (quota === null && carrier !== null) exchange.abort.addEventListener('abort', () => carrier.cut());
    if (flow !== null) flow.look();
    else if (carrier !== null) new TunnelFlow(exchange, this.#options).join(carrier);
    else quotas.check(exchange);
  }
}

/** A tunnel that passes what it is granted. */
export interface MeteredTunnel {
  /** Others may have used up meanwhile what this one may still pass. */
  look(): void;
}

const isPaced = ({ limits }: Exchange): boolean => (limits?.flow ?? null) !== null;
const isMetered = (exchange: Exchange): boolean => exchange.quota !== null || isPaced(exchange);

/** A tunnel that passes what it is granted, and then asks for more. */
export class TunnelFlow implements MeteredTunnel {
  readonly #exchange: Exchange;
  readonly #limit: LimitCell | null;
  readonly #options: FlowsOptions;
  #handle: RelayHandle | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Octets that were paid for so far. */
  #granted = 0;
  /** What was granted last, and what is to be asked for next. */
  #last = FIRST_GRANT;
  #next = FIRST_GRANT;
  /** Whether its quotas are near their end. */
  #scarce = false;
  #over = false;

  constructor(exchange: Exchange, options: FlowsOptions) {
    this.#exchange = exchange;
    this.#limit = exchange.limits?.flow ?? null;
    this.#options = options;
  }

  /** Octets that may pass before `spent` is to be called: the first ones, where the client need not wait for them, so that a tunnel
   *  which needs no more never has to ask. */
  first(): number {
    const { counts, now } = this.#options;
    // Its exit has confirmed it only just now.
    const at = this.#exchange.confirmedAt ?? now();
    if (this.#limit !== null && !counts.takeNow(this.#limit, at, FIRST_GRANT)) return 0;
    this.#granted = FIRST_GRANT;
    return FIRST_GRANT;
  }

  /** The relay that carries it, which began with the allowance that first() told. */
  begin(handle: RelayHandle): void {
    this.#handle = handle;
    this.#exchange.flow = this;
  }

  /** The same of one that has passed unmetered so far. */
  join(handle: RelayHandle): void {
    this.begin(handle);
    const most = this.#options.quotas.grant(this.#exchange);
    if (most <= 0) return;
    this.#last = most;
    this.#scarce = isScarce(most);
    handle.meter(most, { isScarce: this.#scarce, onSpent: this.spent });
  }

  /** Takes back what was granted while much was left of its quotas, where it isn't any more. */
  look(): void {
    const most = this.#options.quotas.grant(this.#exchange);
    const handle = this.#handle;
    if (handle === null || this.#over || this.#timer !== null || most <= 0 || most >= this.#last) return;
    this.#last = most;
    this.#scarce = isScarce(most);
    if (this.#limit !== null) {
      const may = handle.bytesAtoB + handle.bytesBtoA + most;
      if (may >= this.#granted) return;
      this.#options.counts.refund(this.#limit, this.#granted - may);
      this.#granted = may;
    }
    handle.renew(most, this.#scarce);
  }

  /** What was granted is used up. */
  readonly spent = (): void => {
    const handle = this.#handle;
    if (handle === null || this.#over || this.#timer !== null) return;
    const most = this.#options.quotas.grant(this.#exchange);
    if (most <= 0) return;
    this.#scarce = isScarce(most);
    if (this.#limit === null) {
      this.#last = most;
      return handle.renew(most, this.#scarce);
    }
    this.#ask(handle, { limit: this.#limit, octets: Math.min(this.#next, most) });
  };

  /** The tunnel has ended, `passed` octets later: what it was granted and didn't use others may. */
  end(passed: number): void {
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { counts, now } = this.#options;
    if (this.#limit === null) return;
    if (passed < this.#granted) counts.refund(this.#limit, this.#granted - passed);
    else if (passed > this.#granted) counts.reserve(this.#limit, now(), passed - this.#granted);
  }

  #ask(handle: RelayHandle, { limit, octets }: { readonly limit: LimitCell; readonly octets: number }): void {
    const { counts, now } = this.#options;
    const passed = handle.bytesAtoB + handle.bytesBtoA;
    // What was read before the tunnel began is paid for as well.
    const reserved = counts.reserve(limit, now(), octets + Math.max(0, passed - this.#granted));
    if (reserved === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.spent();
      }, NO_ROOM_MS);
      return;
    }
    const { waitMs } = reserved;
    this.#granted = passed + octets;
    this.#last = octets;
    this.#next = grantFor(limit.limit.most, { waitMs, last: octets });
    if (waitMs < 1) return handle.renew(octets, this.#scarce);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#over) handle.renew(octets, this.#scarce);
    }, waitMs);
  }
}

/** How much a tunnel asks for next. The longer it had to wait the more others ask, and the less each. Halfway (as factors go) from what
 *  it asked for last: so all come to the same, and none overshoots what the others do meanwhile. */
function grantFor(
  octetsPerSecond: number,
  { waitMs, last }: { readonly waitMs: number; readonly last: number },
): number {
  const alone = (octetsPerSecond * GRANT_MS) / 1_000;
  const shared = waitMs > GRANT_MS ? (alone * GRANT_MS) / waitMs : alone;
  return Math.round(Math.max(LEAST_GRANT, Math.min(MOST_GRANT, Math.sqrt(shared * last))));
}

const AT_ONCE = { waitMs: 0 } as const;

/** Quotas are looked at when so much content has passed: each look counts what the exit's socket has moved. */
const LOOK_BYTES = 64 * 1024;

/** Content that passes when it is paid for, in pieces of what has been read. */
export class ContentFlow implements ContentGate {
  readonly #exchange: Exchange;
  readonly #limit: LimitCell | null;
  readonly #options: FlowsOptions;
  readonly #onWait: (waitMs: number) => void;
  /** The present moment, while it is known; then the clock is asked. */
  #at: number | null;
  #timer: NodeJS.Timeout | null = null;
  #next = FIRST_GRANT;
  /** Octets that were paid for and haven't passed. */
  #paid = 0;
  #unseen = 0;

  constructor(exchange: Exchange, options: FlowsOptions, onWait: (waitMs: number) => void) {
    this.#exchange = exchange;
    this.#limit = exchange.limits?.flow ?? null;
    this.#options = options;
    this.#onWait = onWait;
    this.#at = exchange.confirmedAt;
  }

  /** What came with the head has passed; the rest will come by and by. */
  goOn(): void {
    this.#at = null;
  }

  pass(octets: number, open: () => void): number {
    if (this.#limit === null) return octets;
    if (this.#timer !== null) return 0;
    if (this.#paid === 0) {
      const waitMs = this.#pay(this.#limit, Math.min(octets, this.#next));
      if (waitMs >= 1) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          open();
        }, waitMs);
        this.#onWait(waitMs);
        return 0;
      }
    }
    const passing = Math.min(octets, this.#paid);
    this.#paid -= passing;
    return passing;
  }

  force(octets: number): void {
    const { counts, now } = this.#options;
    if (this.#limit !== null) counts.reserve(this.#limit, now(), Math.max(0, octets - this.#paid));
    this.#paid = 0;
  }

  /** So many octets have passed: cuts the exchange where a quota is used up. */
  passed(octets: number): void {
    this.#unseen += octets;
    if (this.#unseen < LOOK_BYTES) return;
    this.#unseen = 0;
    this.#options.quotas.check(this.#exchange);
  }

  /** Nothing more passes: others may have what was paid for. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#paid > 0 && this.#limit !== null) this.#options.counts.refund(this.#limit, this.#paid);
    this.#paid = 0;
  }

  /** Returns after how many ms the octets may pass, or may be asked for again. */
  #pay(limit: LimitCell, octets: number): number {
    const { counts, now } = this.#options;
    const at = this.#at ?? now();
    // Most need not wait.
    const reserved = counts.takeNow(limit, at, octets) ? AT_ONCE : counts.reserve(limit, at, octets);
    if (reserved === null) return NO_ROOM_MS;
    this.#paid = octets;
    this.#next = grantFor(limit.limit.most, { waitMs: reserved.waitMs, last: this.#next });
    return reserved.waitMs;
  }
}
