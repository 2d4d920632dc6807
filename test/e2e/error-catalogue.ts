import type { By, ErrorKind } from '../../src/errors.ts';

/** HTTP status, Proxy-Status error, SOCKS5 REP, who is to blame. */
type Row = readonly [status: number, proxyStatus: string, socks5: number, by: By];

/** The catalogue as it is promised to clients, written down a second time: src/errors.ts is what is tested. A SOCKS5 client gets
 *  general failure where nothing better is promised. */
export const promised: Readonly<Record<ErrorKind, Row>> = {
  auth_required: [407, 'http_request_denied', 0x01, 'client'],
  auth_failed: [407, 'http_request_denied', 0x01, 'client'],
  bad_request: [400, 'http_request_error', 0x01, 'client'],
  bad_param: [400, 'http_request_error', 0x01, 'client'],
  target_forbidden: [403, 'http_request_denied', 0x02, 'gateway'],
  target_ip_forbidden: [403, 'destination_ip_prohibited', 0x02, 'gateway'],
  rate_limited: [429, 'http_request_error', 0x01, 'gateway'],
  too_many_connections: [429, 'http_request_error', 0x01, 'gateway'],
  overloaded: [503, 'connection_limit_reached', 0x01, 'gateway'],
  client_timeout: [408, 'http_request_error', 0x01, 'client'],
  head_too_large: [431, 'http_request_error', 0x01, 'client'],
  not_supported: [501, 'http_request_error', 0x07, 'client'],
  quota_exceeded: [402, 'http_request_denied', 0x02, 'gateway'],
  no_exit: [503, 'destination_unavailable', 0x03, 'gateway'],
  no_exit_for_target: [503, 'destination_unavailable', 0x03, 'gateway'],
  exit_failed: [502, 'connection_terminated', 0x01, 'exit'],
  exit_refused: [502, 'connection_refused', 0x01, 'exit'],
  exit_unreachable: [502, 'destination_ip_unroutable', 0x01, 'exit'],
  exit_dns: [502, 'dns_error', 0x01, 'exit'],
  exit_tls: [502, 'tls_protocol_error', 0x01, 'exit'],
  exit_rejected: [502, 'http_protocol_error', 0x01, 'exit'],
  exit_auth_failed: [502, 'proxy_configuration_error', 0x01, 'exit'],
  session_lost: [502, 'connection_terminated', 0x01, 'exit'],
  origin_dns: [502, 'dns_error', 0x04, 'origin'],
  origin_refused: [502, 'connection_refused', 0x05, 'origin'],
  origin_unreachable: [502, 'destination_ip_unroutable', 0x04, 'origin'],
  origin_reset: [502, 'connection_terminated', 0x01, 'origin'],
  origin_bad_response: [502, 'http_protocol_error', 0x01, 'origin'],
  exit_timeout: [504, 'connection_timeout', 0x06, 'exit'],
  origin_timeout: [504, 'http_response_timeout', 0x06, 'origin'],
  deadline: [504, 'connection_timeout', 0x06, 'exit'],
  loop: [502, 'proxy_loop_detected', 0x01, 'client'],
  draining: [503, 'destination_unavailable', 0x01, 'gateway'],
  internal: [500, 'proxy_internal_error', 0x01, 'gateway'],
};

/** Statuses whose replies say when to come back (Retry-After). */
export const waits: ReadonlySet<number> = new Set([402, 429, 503]);

/** Kinds behind which nothing of the connection can be trusted, or nothing more is afforded. */
export const closing: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'bad_request',
  'overloaded',
  'client_timeout',
  'head_too_large',
]);
