/** How an attempt ended, and whether that speaks against the exit it was made over. */

import { type By, catalogue, type ErrorKind } from '../errors.ts';

/** The closed set of outcomes. `blocked`: the exit works, but the site refused to serve it. */
export type Outcome = 'ok' | 'exit_failed' | 'origin_failed' | 'blocked' | 'client_left';

const outcomeBy: Readonly<Record<By, Outcome | null>> = Object.freeze({
  client: 'client_left',
  gateway: null,
  exit: 'exit_failed',
  origin: 'origin_failed',
});

/** Kinds `by` the exit that no exit is charged for by themselves: a bare rejection may be the site's fault (RejectionLedger says
 *  when it isn't), the exit of a lost session is gone already, and a deadline ends the exchange: its last attempt is booked by
 *  what that was waiting for. */
const unproven: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['exit_rejected', 'session_lost', 'deadline']);

/** The outcome of an attempt that ended with an error of this kind; null where the gateway itself ended it (a rule, a limit, a
 *  fault of ours): nothing is learned of anyone. */
export function outcomeOf(kind: ErrorKind): Outcome | null {
  return outcomeBy[catalogue[kind].by];
}

/** Whether an attempt that failed so counts as the exit's failure at once. An origin's failure never does. */
export function chargesExit(kind: ErrorKind): boolean {
  return catalogue[kind].by === 'exit' && !unproven.has(kind);
}

/** Whether only what other exits see of the same authority can tell who is to blame (RejectionLedger). */
export function isAmbiguous(kind: ErrorKind): boolean {
  return kind === 'exit_rejected';
}
