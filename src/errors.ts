/** The closed catalogue of errors. Every renderer (HTTP, SOCKS5, log, command line) reads this one table: an error names the
 *  guilty hop, and tells a client whether trying again can help. */

/** Who is to blame: the client, this gateway, the exit, or the origin. */
export type By = 'client' | 'gateway' | 'exit' | 'origin';

/** One row of the catalogue. */
export interface CatalogueRow {
  /** HTTP status sent to the client. */
  readonly status: number;
  /** RFC 9209 §2.3 proxy error type. */
  readonly proxyStatus: string;
  /** SOCKS5 REP octet (RFC 1928 §6); null where no SOCKS5 request can end so, or the connection is just closed. */
  readonly socks5: number | null;
  readonly by: By;
  /** Whether the same request may succeed when it is sent again, unchanged. */
  readonly retryable: boolean;
  /** Seconds for Retry-After, where the error itself gives none. */
  readonly retryAfterS?: number;
  /** The connection to the client is closed after the reply. */
  readonly closes?: true;
}

type More = Pick<CatalogueRow, 'retryAfterS' | 'closes'>;

const row = (status: number, proxyStatus: string, socks5: number | null, by: By, retryable: boolean, more?: More) =>
  Object.freeze<CatalogueRow>({ status, proxyStatus, socks5, by, retryable, ...more });

const closes = { closes: true } as const;

export const catalogue = Object.freeze({
  auth_required: row(407, 'http_request_denied', null, 'client', false),
  auth_failed: row(407, 'http_request_denied', null, 'client', false),
  bad_request: row(400, 'http_request_error', 0x01, 'client', false, closes),
  bad_param: row(400, 'http_request_error', 0x01, 'client', false),
  target_forbidden: row(403, 'http_request_denied', 0x02, 'gateway', false),
  target_ip_forbidden: row(403, 'destination_ip_prohibited', 0x02, 'gateway', false),
  rate_limited: row(429, 'http_request_error', 0x01, 'gateway', true, { retryAfterS: 1 }),
  too_many_connections: row(429, 'http_request_error', 0x01, 'gateway', true, { retryAfterS: 1 }),
  overloaded: row(503, 'connection_limit_reached', 0x01, 'gateway', true, { retryAfterS: 1, closes: true }),
  client_timeout: row(408, 'http_request_error', null, 'client', true, closes),
  head_too_large: row(431, 'http_request_error', null, 'client', false, closes),
  not_supported: row(501, 'http_request_error', 0x07, 'client', false),
  quota_exceeded: row(402, 'http_request_denied', 0x02, 'gateway', false, { retryAfterS: 60 }),
  no_exit: row(503, 'destination_unavailable', 0x03, 'gateway', true, { retryAfterS: 5 }),
  no_exit_for_target: row(503, 'destination_unavailable', 0x03, 'gateway', true, { retryAfterS: 5 }),
  exit_failed: row(502, 'connection_terminated', 0x01, 'exit', true),
  exit_refused: row(502, 'connection_refused', 0x01, 'exit', true),
  exit_unreachable: row(502, 'destination_ip_unroutable', 0x01, 'exit', true),
  exit_dns: row(502, 'dns_error', 0x01, 'exit', true),
  exit_tls: row(502, 'tls_protocol_error', 0x01, 'exit', true),
  exit_rejected: row(502, 'http_protocol_error', 0x01, 'exit', true),
  exit_auth_failed: row(502, 'proxy_configuration_error', 0x01, 'exit', true),
  session_lost: row(502, 'connection_terminated', 0x01, 'exit', false),
  origin_dns: row(502, 'dns_error', 0x04, 'origin', true),
  origin_refused: row(502, 'connection_refused', 0x05, 'origin', true),
  origin_unreachable: row(502, 'destination_ip_unroutable', 0x04, 'origin', true),
  origin_reset: row(502, 'connection_terminated', 0x01, 'origin', true),
  origin_bad_response: row(502, 'http_protocol_error', null, 'origin', true),
  exit_timeout: row(504, 'connection_timeout', 0x06, 'exit', true),
  origin_timeout: row(504, 'http_response_timeout', 0x06, 'origin', true),
  deadline: row(504, 'connection_timeout', 0x06, 'exit', true),
  loop: row(502, 'proxy_loop_detected', 0x01, 'client', false),
  draining: row(503, 'destination_unavailable', 0x01, 'gateway', true, { retryAfterS: 1 }),
  internal: row(500, 'proxy_internal_error', 0x01, 'gateway', true),
});

export type ErrorKind = keyof typeof catalogue;

/** What one occurrence of an error says beyond its row. The overrides exist for the kinds whose row names more than one status
 *  or type: not_supported (501, 505, 400), head_too_large (431, 414), exit_tls, origin_bad_response, deadline. */
export interface ErrorFacts {
  /** One sentence for people, without addresses, credentials or octets of a peer. */
  readonly detail: string;
  readonly status?: number;
  readonly proxyStatus?: string;
  readonly socks5?: number;
  readonly by?: By;
  readonly retryAfterS?: number;
  /** The status that an exit answered, for `received-status` (RFC 9209 §2.1.4). */
  readonly receivedStatus?: number;
  /** It was told by an answer that came through an exit: whether the exit made it up or the origin, nobody knows. */
  readonly isHearsay?: boolean;
  /** The status of that answer is all that tells of it: 502 or 504, which names no cause. */
  readonly isBare?: boolean;
  /** Nothing came in time: whether the exit was silent or the origin, nobody knows. */
  readonly isSilence?: boolean;
  /** The exit itself told it, in place of opening the tunnel that it was asked for. */
  readonly isExitsWord?: boolean;
  /** The system's error. It never leaves the process. */
  readonly cause?: unknown;
}

/** The one class of error that ends an exchange. */
export class GatewayError extends Error {
  readonly kind: ErrorKind;
  readonly detail: string;
  readonly status: number;
  readonly proxyStatus: string;
  readonly socks5: number | null;
  readonly by: By;
  readonly retryable: boolean;
  readonly retryAfterS: number | undefined;
  readonly receivedStatus: number | undefined;
  readonly isHearsay: boolean;
  readonly isBare: boolean;
  readonly isSilence: boolean;
  readonly isExitsWord: boolean;
  readonly closes: boolean;

  constructor(kind: ErrorKind, facts: ErrorFacts) {
    const { stackTraceLimit } = Error;
    // All others are answers, not faults of ours, and under a flood of what is refused a stack costs as much as the reply.
    if (kind !== 'internal') Error.stackTraceLimit = 0;
    try {
      super(`${kind}: ${facts.detail}`, { cause: facts.cause });
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    const table = catalogue[kind];
    this.name = 'GatewayError';
    this.kind = kind;
    this.detail = facts.detail;
    this.status = facts.status ?? table.status;
    this.proxyStatus = facts.proxyStatus ?? table.proxyStatus;
    this.socks5 = facts.socks5 ?? table.socks5;
    this.by = facts.by ?? table.by;
    this.retryable = table.retryable;
    this.retryAfterS = facts.retryAfterS ?? table.retryAfterS;
    this.receivedStatus = facts.receivedStatus;
    this.isHearsay = facts.isHearsay === true;
    this.isBare = facts.isBare === true;
    this.isSilence = facts.isSilence === true;
    this.isExitsWord = facts.isExitsWord === true;
    this.closes = table.closes === true;
  }
}

/** `cause` as a GatewayError: itself if it is one, `internal` otherwise. */
export function asGatewayError(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new GatewayError('internal', { detail: 'unexpected fault in the gateway', cause });
}
