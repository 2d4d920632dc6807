/** Whether the way in which an attempt ended speaks against the exit it was made over. */

import { catalogue, type ErrorKind } from '../errors.ts';

/** Kinds `by` the exit that no exit is charged for by themselves: a bare rejection may be the site's fault (RejectionLedger says
 *  when it isn't), the exit of a lost session is gone already, and a deadline ends the exchange: its last attempt is booked by
 *  what that was waiting for. */
const unproven: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['exit_rejected', 'session_lost', 'deadline']);

/** Whether an attempt that failed so counts as the exit's failure at once. An origin's failure never does. */
export function chargesExit(kind: ErrorKind): boolean {
  return catalogue[kind].by === 'exit' && !unproven.has(kind);
}

/** Whether only what other exits see of the same authority can tell who is to blame (RejectionLedger). */
export function isAmbiguous(kind: ErrorKind): boolean {
  return kind === 'exit_rejected';
}
