/** Whether the way in which an attempt ended speaks against the exit it was made over. */

import { catalogue, type ErrorKind, type GatewayError } from '../errors.ts';

/** Kinds `by` the exit that no exit is charged for by themselves: a bare rejection may be the site's fault (RejectionLedger says
 *  when it isn't), the exit of a lost session is gone already, and a deadline ends the exchange: its last attempt is booked by
 *  what that was waiting for. */
const unproven: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['exit_rejected', 'session_lost', 'deadline']);

/** Whether an attempt that failed so counts as the exit's failure at once. An origin's failure never does. `by`: whose it is where that
 *  isn't what its kind says, such as that of an exit which is the gateway itself. */
export function chargesExit(kind: ErrorKind, by = catalogue[kind].by): boolean {
  return by === 'exit' && !unproven.has(kind);
}

/** How an attempt failed: its kind; the status that it was answered with, if any; whether that answer is all that tells of it (an origin
 *  can answer 407, or with the fields of any proxy, and who forwards passes that on); and whether it was silence that may be anybody's. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly receivedStatus?: number | undefined;
  readonly isHearsay?: boolean;
  readonly isSilence?: boolean;
}

/** Whose a failure is, and who told of it. */
type Told = Pick<GatewayError, 'by' | 'isExitsWord' | 'isHearsay'>;

/** Whether only what other exits see of the same authority can tell who is to blame (RejectionLedger). */
export function isAmbiguous({ kind }: Pick<Failure, 'kind'>): boolean {
  return kind === 'exit_rejected';
}

/** Whether it is what an exit tells of the origin, by itself or in an answer that it passed on. */
export function tellsOfOrigin({ by, isExitsWord, isHearsay }: Told): boolean {
  return by === 'origin' && (isExitsWord || isHearsay);
}

/** Whether whoever dialled the origin so has done its own part: it refused, or there is no such name. */
export function isOriginsAnswer(kind: ErrorKind): boolean {
  return kind === 'origin_refused' || kind === 'origin_dns';
}

/** Kinds with which an attempt ends only where the way to the provider, or its word on our account, fails. */
const providersOwn: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'exit_refused',
  'exit_unreachable',
  'exit_dns',
  'exit_tls',
  'exit_auth_failed',
]);

/** Kinds that what stands behind a provider can cause as well as the provider itself. */
const either: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['exit_timeout', 'exit_failed', 'exit_rejected']);

/** Kinds that a provider tells of what lies behind it. */
const told: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['origin_dns', 'origin_refused', 'origin_unreachable']);

/** What an attempt that failed so says of what carries its exit among others: its own failure for `sure`; its failure, that of the one
 *  exit or the origin's word; that it `works`, because it told of what lies behind it; or nothing. */
export function providerVerdict(failure: Failure): 'sure' | 'unsure' | 'works' | 'nothing' {
  const { kind, receivedStatus: status, isHearsay = false } = failure;
  if (failure.isSilence === true) return 'nothing';
  if (providersOwn.has(kind)) return isHearsay ? 'unsure' : 'sure';
  if (told.has(kind) || (kind === 'exit_rejected' && status !== undefined && status < 500)) return 'works';
  return either.has(kind) ? 'unsure' : 'nothing';
}
