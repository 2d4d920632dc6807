import type { ErrorKind } from '../errors.ts';
import type { Fields } from './fields.ts';
import { kindOfProxyStatus, readProxyStatus } from './proxy-status.ts';

/** One line of the table by which exits say why they refused: where the field's value contains `match`, ignoring case, the
 *  cause is `kind`. An empty `match` fits any value. */
export interface ExitErrorRule {
  /** Name of a response field, in any case. */
  readonly field: string;
  readonly match: string;
  readonly kind: ErrorKind;
}

const rule = (field: string, match: string, kind: ErrorKind): ExitErrorRule => Object.freeze({ field, match, kind });

/** What is known without configuration; the first rule that fits decides. Squid writes its error page's name and errno (Linux:
 *  101, 113 no route, 104 reset, 110 timed out, 111 refused). The vendors' fields stand only on answers of their own making, and so
 *  does tinyproxy's name: it passes on the Server of an origin, and has none to say why it failed. */
export const builtinExitErrors: readonly ExitErrorRule[] = Object.freeze([
  rule('x-squid-error', 'ERR_DNS_FAIL', 'origin_dns'),
  rule('x-squid-error', 'ERR_CONNECT_FAIL 111', 'origin_refused'),
  rule('x-squid-error', 'ERR_CONNECT_FAIL 110', 'origin_timeout'),
  rule('x-squid-error', 'ERR_CONNECT_FAIL 104', 'origin_reset'),
  rule('x-squid-error', 'ERR_CONNECT_FAIL', 'origin_unreachable'),
  rule('x-squid-error', 'ERR_READ_TIMEOUT', 'origin_timeout'),
  rule('x-squid-error', 'ERR_LIFETIME_EXP', 'origin_timeout'),
  rule('x-squid-error', 'ERR_READ_ERROR', 'origin_reset'),
  rule('x-squid-error', 'ERR_WRITE_ERROR', 'origin_reset'),
  rule('x-squid-error', 'ERR_ZERO_SIZE_OBJECT', 'origin_reset'),
  rule('x-squid-error', 'ERR_INVALID_RESP', 'origin_bad_response'),
  rule('x-squid-error', 'ERR_CACHE_ACCESS_DENIED', 'exit_auth_failed'),
  rule('x-squid-error', '', 'exit_rejected'),
  rule('x-brd-err-code', '', 'exit_rejected'),
  rule('x-brd-error', '', 'exit_rejected'),
  rule('x-luminati-error', '', 'exit_rejected'),
  rule('x-soax-error', '', 'exit_rejected'),
  rule('x-error-description', '', 'exit_rejected'),
  rule('server', 'tinyproxy/', 'exit_rejected'),
]);

/** The status lines of proxy-chain, which vendors' gateways are built of: statuses that nobody registered, with reasons of its own.
 *  It has the same ones for the proxy behind it and for the origin, so who is to blame only other exits can tell (exit_rejected);
 *  but its 593 it keeps for the name of a proxy. 592 comes with the origin's reason, and so can't be told from an origin's own. */
const proxyChainStatuses: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ['590 Non Successful', 'exit_rejected'],
  ['593 Not Found', 'exit_failed'],
  ['594 Connection Refused', 'exit_rejected'],
  ['595 Connection Reset', 'exit_rejected'],
  ['596 Broken Pipe', 'exit_rejected'],
  ['597 Auth Failed', 'exit_rejected'],
  ['599 Upstream Error', 'exit_rejected'],
]);

/** The cause that an exit names in a response it made up itself, or null where it names none: 407 is always an exit's; then the
 *  fields of `rules` (the configured ones), Proxy-Status (RFC 9209: the member nearest to the origin that names an error), and
 *  the fields and status lines known here. A response that is no error names none. */
export function exitErrorOf(
  response: { readonly status: number; readonly reason: string; readonly fields: Fields },
  rules: readonly ExitErrorRule[],
): ErrorKind | null {
  const { status, reason, fields } = response;
  if (status === 407) return 'exit_auth_failed';
  if (status < 400) return null;
  const named = kindByRules(fields, rules) ?? kindByProxyStatus(fields) ?? kindByRules(fields, builtinExitErrors);
  return named ?? proxyChainStatuses.get(`${status} ${reason}`) ?? null;
}

function kindByRules(fields: Fields, rules: readonly ExitErrorRule[]): ErrorKind | null {
  for (const { field, match, kind } of rules) {
    const value = fields.get(field.toLowerCase());
    if (value?.toLowerCase().includes(match.toLowerCase())) return kind;
  }
  return null;
}

function kindByProxyStatus(fields: Fields): ErrorKind | null {
  const value = fields.all('proxy-status').join(', ');
  if (value === '') return null;
  for (const member of readProxyStatus(value)) {
    const kind = member.error === undefined ? null : kindOfProxyStatus(member.error);
    if (kind !== null) return kind;
  }
  return null;
}
