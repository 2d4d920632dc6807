import type { BookingKey } from '../ledger/booking.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import type { Choice, Exchange } from './exchange.ts';

/** Takes what exchanges have cost. Nothing here waits or throws. */
export interface Ledger {
  /** An attempt has ended that did not serve, and what it moved is settled. `kind`: how it ended; see AttemptRecord. */
  failed(exchange: Exchange, attempt: FailedSpending): void;
  /** An exchange lasts: what it moves from now on is booked as it comes. Only the first call counts, or the first after it rested. */
  opened(exchange: Exchange): void;
  /** Books what it has moved so far. */
  bookSoFar(exchange: Exchange): void;
  /** All that it has moved is booked, and no more comes until it is opened again, or has ended. */
  rested(exchange: Exchange): void;
  /** An exchange has ended `now`, and what it moved is settled. Once. */
  ended(exchange: Exchange, now: number): void;
  /** Who pays for what comes over a link of the exchange when nobody uses it: the exchange, or its attempt that failed. */
  payerOf(exchange: Exchange, failed?: { readonly choice: Choice; readonly kind: string }): BookingKey;
  /** A link that nobody used has closed, and so much had come over it meanwhile. */
  closed(payer: BookingKey, late: { readonly sent: number; readonly received: number }): void;
}

export interface FailedSpending {
  readonly choice: Choice;
  readonly meter: AttemptMeter;
  readonly kind: string;
  /** How long it took, in ms. */
  readonly ms: number;
}
