import type { LimitCell } from '../../policy/limit-cells.ts';
import type { RelayHandle } from '../../transport/relay.ts';
import type { Exchange } from '../exchange.ts';
import { isScarce } from '../quotas/quota-grants.ts';
import { FIRST_GRANT, type FlowSources, giveUp, grantFor, NO_ROOM_MS, placeOf } from './flow-grants.ts';

/** A tunnel that passes what it is granted. */
export interface MeteredTunnel {
  /** What was granted is used up. */
  spent(): void;
  /** Others may have used up meanwhile what this one may still pass. */
  look(): void;
  /** What it was granted, where it would go on with that unless more passes; else null. */
  readonly grants: Grants | null;
  /** The tunnel has ended, `passed` octets later: what it was granted and didn't use others may. */
  end(passed: number): void;
}

/** What a tunnel was granted: octets that were paid for so far, those that were granted last, and those that are to be asked for next. */
export interface Grants {
  readonly granted: number;
  readonly last: number;
  readonly next: number;
}

/** A tunnel that passes what it is granted, and then asks for more. */
export class TunnelFlow implements MeteredTunnel {
  readonly #exchange: Exchange;
  readonly #limit: LimitCell | null;
  readonly #options: FlowSources;
  #handle: RelayHandle | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Octets that were paid for so far. */
  #granted = 0;
  /** What was granted last, and what is to be asked for next. */
  #last = FIRST_GRANT;
  #next = FIRST_GRANT;
  /** When what was granted last may pass. */
  #grantedFor = 0;
  /** Whether its quotas are near their end. */
  #scarce = false;
  #over = false;

  constructor(exchange: Exchange, options: FlowSources) {
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
    const most = this.#askQuotas();
    if (most <= 0) return;
    this.#last = most;
    handle.renew(most, this.#scarce);
  }

  /** Takes back what was granted while much was left of its quotas, where it isn't any more. */
  look(): void {
    const most = this.#askQuotas();
    const handle = this.#handle;
    if (handle === null || this.#over || this.#timer !== null || most <= 0 || most >= this.#last) return;
    if (this.#limit !== null) {
      const passed = passedBy(handle);
      // Fewer than when it was granted the last: its relay has ended and counts no more, and its end will tell of all.
      if (passed < this.#granted - this.#last || passed + most >= this.#granted) return;
      this.#options.counts.refund(this.#limit, this.#granted - passed - most);
      this.#granted = passed + most;
    }
    this.#last = most;
    handle.renew(most, this.#scarce);
  }

  /** Null while it waits for more, or has ended. */
  get grants(): Grants | null {
    if (this.#timer !== null || this.#over) return null;
    return { granted: this.#granted, last: this.#last, next: this.#next };
  }

  /** Goes on with what was granted before. */
  goOn(handle: RelayHandle, { granted, last, next }: Grants): void {
    this.begin(handle);
    this.#granted = granted;
    this.#last = last;
    this.#next = next;
  }

  /** A fault, such as a rule that can't be read any more, ends the exchange: whoever tells of this knows of none. */
  spent(): void {
    try {
      this.#askForMore();
    } catch (fault) {
      this.#exchange.stop(fault);
    }
  }

  end(passed: number): void {
    this.#over = true;
    const waits = this.#timer !== null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { counts, now } = this.#options;
    const limit = this.#limit;
    if (limit === null) return;
    const left = this.#granted - passed;
    if (left > 0 && waits) giveUp(this.#options, limit, placeOf(limit, left, this.#grantedFor));
    // Of the many that are granted more than they need, side by side, all of it: else they would use up what they leave to others.
    else if (left > 0) counts.refund(limit, left);
    else if (left < 0) counts.reserve(limit, now(), -left);
  }

  #askForMore(): void {
    const handle = this.#handle;
    if (handle === null || this.#over || this.#timer !== null) return;
    const most = this.#askQuotas();
    if (most <= 0) return;
    if (this.#limit === null) {
      this.#last = most;
      return handle.renew(most, this.#scarce);
    }
    this.#askLimit(handle, { limit: this.#limit, octets: Math.min(this.#next, most) });
  }

  /** Octets that its quotas let pass now. Where none may it has been cut. */
  #askQuotas(): number {
    const most = this.#options.quotas.grant(this.#exchange);
    if (most > 0) this.#scarce = isScarce(most);
    return most;
  }

  #askLimit(handle: RelayHandle, { limit, octets }: { readonly limit: LimitCell; readonly octets: number }): void {
    const { counts, now } = this.#options;
    const at = now();
    const passed = passedBy(handle);
    // Its relay has ended since it asked, and counts no more; or it may go on since then, and will ask again.
    if (passed < this.#granted) return;
    // What was read before the tunnel began is paid for as well.
    const reserved = counts.reserve(limit, at, octets + passed - this.#granted);
    if (reserved === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.spent();
      }, NO_ROOM_MS);
      return;
    }
    const { waitMs } = reserved;
    this.#granted = passed + octets;
    this.#grantedFor = at + waitMs;
    this.#last = octets;
    this.#next = grantFor(limit.limit.most, { waitMs, last: octets });
    if (waitMs < 1) return handle.renew(octets, this.#scarce);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#over) handle.renew(octets, this.#scarce);
    }, waitMs);
  }
}

function passedBy(handle: RelayHandle): number {
  const { bytesAtoB, bytesBtoA } = handle.counts();
  return bytesAtoB + bytesBtoA;
}
