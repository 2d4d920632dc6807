import type { LimitCell } from '../../policy/limit-cells.ts';
import type { ContentGate } from '../../transport/http-connection.ts';
import type { Exchange } from '../exchange.ts';
import { FIRST_GRANT, type FlowSources, giveUp, grantFor, NO_ROOM_MS, placeOf } from './flow-grants.ts';

const AT_ONCE = { waitMs: 0 } as const;

/** Quotas are looked at when so much content has passed: each look counts what the exit's socket has moved. */
const LOOK_BYTES = 64 * 1024;

/** Content that passes when it is paid for, in pieces of what has been read. */
export class ContentFlow implements ContentGate {
  readonly #exchange: Exchange;
  readonly #limit: LimitCell | null;
  readonly #options: FlowSources;
  readonly #onWait: (waitMs: number) => void;
  /** The present moment, while it is known; then the clock is asked. */
  #at: number | null;
  #timer: NodeJS.Timeout | null = null;
  #next = FIRST_GRANT;
  /** Octets that were paid for and haven't passed. */
  #paid = 0;
  /** When these may pass. */
  #paidFor = 0;
  #unseen = 0;

  constructor(exchange: Exchange, options: FlowSources, onWait: (waitMs: number) => void) {
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
    const limit = this.#limit;
    if (this.#paid > 0 && limit !== null) giveUp(this.#options, limit, placeOf(limit, this.#paid, this.#paidFor));
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
    this.#paidFor = at + reserved.waitMs;
    this.#next = grantFor(limit.limit.most, { waitMs: reserved.waitMs, last: this.#next });
    return reserved.waitMs;
  }
}
