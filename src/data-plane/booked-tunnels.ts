import type { Exchange } from '../gateway/exchange.ts';
import { type LastingTunnel, LOOK_FIELDS, type TunnelNews } from '../ledger/booking.ts';

/** What the control thread is to know of this worker's tunnels outside of JavaScript, which outlive it: under what each is booked, and how
 *  much of it. Told with the very batch that books it, so that whatever dies when, nothing is booked twice. Of the many tunnels that
 *  end before they are looked at nothing is told. */
export class BookedTunnels {
  #begun: LastingTunnel[] = [];
  /** See LOOK_FIELDS. */
  readonly #looks: number[] = [];
  /** Where they begin, by handle: of one that is looked at again before this can be told the last look counts. */
  readonly #lookOf = new Map<number, number>();
  #ended: number[] = [];

  /** Whether it is to be told of though nothing of it is booked. */
  isNew({ carrier, toldTunnel }: Exchange): boolean {
    return carrier !== null && carrier.handle !== 0 && toldTunnel !== carrier.handle;
  }

  /** All that has passed is booked, in the booking of this index. */
  tell(exchange: Exchange, booking: number): void {
    const { carrier, bounds, quota, startedAt, meter } = exchange;
    const handle = carrier?.handle ?? 0;
    if (handle === 0) return;
    if (this.isNew(exchange)) this.#begun.push({ handle, host: bounds?.host ?? '', startedAt });
    exchange.toldTunnel = handle;
    const { sent = 0, received = 0 } = meter?.wire?.relayed ?? {};
    const at = this.#lookOf.get(handle) ?? this.#looks.length;
    this.#lookOf.set(handle, at);
    this.#looks.splice(at, LOOK_FIELDS, handle, booking, quota === null ? 0 : 1, sent, received);
  }

  /** The exchange has ended, and its tunnel with it, whether or not it was told of. */
  ended({ toldTunnel }: Exchange): void {
    if (toldTunnel !== 0) this.#ended.push(toldTunnel);
  }

  /** What is to be told with the next batch; undefined where that is nothing. */
  take(): TunnelNews | undefined {
    if (this.#looks.length === 0 && this.#ended.length === 0) return undefined;
    const news = { begun: this.#begun, looks: new Float64Array(this.#looks), ended: this.#ended };
    this.#begun = [];
    this.#looks.length = 0;
    this.#lookOf.clear();
    this.#ended = [];
    return news;
  }
}
