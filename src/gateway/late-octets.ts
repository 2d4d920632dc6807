import { GatewayError } from '../errors.ts';
import type { BookingKey } from '../ledger/booking.ts';
import { hearOut } from '../transport/goodbye.ts';
import type { Socket } from '../transport/socket.ts';
import type { Wire } from '../transport/wire.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice } from './exchange.ts';
import type { QuotaHold } from './quotas/quota-hold.ts';

/** The rest of an answer that nobody wants, such as an error page: so much of it is awaited, and for so long. */
const REST = { octets: 64 * 1024, ms: 2_000 } as const;

/** Who pays for what comes over a connection when nobody uses it. */
export interface Payer {
  readonly booking: BookingKey;
  readonly quota: QuotaHold | null;
  readonly choice: Choice | null;
}

/** Books what came over a connection that nobody used, such as the end of TLS. */
export function bookLate(deps: Collaborators, { booking, quota, choice }: Payer, wire: Wire): void {
  const late = { sent: 0, received: 0 };
  wire.takeInto(late);
  deps.ledger.closed(booking, late);
  if (quota !== null && choice !== null) deps.quotas.late(quota, choice, late);
}

/** Closes the connection of an attempt that has failed. Where the other end has answered, the rest of that is under way and paid for
 *  already: it is heard out, as long as there is room. Nobody else may listen to the socket. */
export function closeFailed(deps: Collaborators, socket: Socket, fault: unknown): void {
  const hasAnswered = fault instanceof GatewayError && fault.receivedStatus !== undefined;
  if (hasAnswered && deps.kept.makesRoomFor(socket)) hearOut(socket, REST);
  else socket.destroy();
}
