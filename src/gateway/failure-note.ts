import { type ErrorKind, GatewayError } from '../errors.ts';
import { ClientLeft, type Exchange } from './exchange.ts';

/** Kinds that say too little by themselves. Their details quote no more of a client's than a token of the grammar. */
const explained: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'no_exit',
  'no_exit_for_target',
  'bad_param',
  'bad_request',
  'target_forbidden',
  'target_ip_forbidden',
]);

/** In UTF-16 units. */
const LONGEST_WHY = 256;

/** Notes how an exchange failed, once: the first word counts. */
export function noteFailure(exchange: Exchange, fault: unknown): void {
  if (exchange.ending !== null) return;
  if (fault instanceof ClientLeft) {
    exchange.ending = 'client_left';
    exchange.by = 'client';
    return;
  }
  if (fault instanceof GatewayError) {
    exchange.ending = fault.kind;
    if (explained.has(fault.kind)) exchange.why = fault.detail.slice(0, LONGEST_WHY);
    exchange.by = fault.by;
    exchange.status = fault.status;
    return;
  }
  exchange.ending = 'internal';
  exchange.fault = fault;
  exchange.by = 'gateway';
  exchange.status = 500;
}
