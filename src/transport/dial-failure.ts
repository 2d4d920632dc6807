import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type ErrorKind, GatewayError } from '../errors.ts';
import { ResolveFailure } from './dns-query.ts';

/** Whose failure it is when a dial fails: the exit's where its endpoint is dialled, the origin's where the origin itself is. */
export type Blame = 'exit' | 'origin';

type Cause = 'refused' | 'reset' | 'timeout' | 'unreachable' | 'dns';

const kinds: Readonly<Record<Blame, Readonly<Record<Cause, ErrorKind>>>> = {
  exit: {
    refused: 'exit_refused',
    reset: 'exit_failed',
    timeout: 'exit_timeout',
    unreachable: 'exit_unreachable',
    dns: 'exit_dns',
  },
  origin: {
    refused: 'origin_refused',
    reset: 'origin_reset',
    timeout: 'origin_timeout',
    unreachable: 'origin_unreachable',
    dns: 'origin_dns',
  },
};

/** No answer to a dial within its deadline. */
export function dialTimeout(blame: Blame, phase: 'connection' | 'TLS handshake', cause?: unknown): GatewayError {
  return new GatewayError(kinds[blame].timeout, {
    detail: `the ${phase} to the ${blame} was not made in time`,
    proxyStatus: 'connection_timeout',
    cause,
  });
}

/** A name that gave no address in time, or no address at all. */
export function namesFailure(blame: Blame, cause?: unknown): GatewayError {
  const late = cause === undefined || (cause instanceof ResolveFailure && cause.code === 'timeout');
  return new GatewayError(kinds[blame].dns, {
    detail: late ? `the name of the ${blame} was not resolved in time` : `the name of the ${blame} does not resolve`,
    proxyStatus: late ? 'dns_timeout' : 'dns_error',
    cause,
  });
}

/** An address that can't be dialled at all. */
export function unreachable(blame: Blame, detail: string, cause?: unknown): GatewayError {
  return new GatewayError(kinds[blame].unreachable, { detail, cause });
}

/** Whether connect() failed for want of something on this machine, and says nothing of whom it was to: of descriptors or memory; or of
 *  ports, of which there is one less for each connection to the same address and port, and for a minute after it. Where IPv6 is off,
 *  its addresses fail as if there were no port. */
export function isOwnShortage({ code }: NodeJS.ErrnoException, { address, bound }: DialledFrom): boolean {
  if (code === 'EADDRNOTAVAIL') return !bound && !isIPv6(address);
  return code === 'EADDRINUSE' || (code !== undefined && shortages.has(code));
}

const shortages: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** The address that was dialled, and whether from an address of ours that was named. */
export interface DialledFrom {
  readonly address: string;
  readonly bound: boolean;
}

/** What a failed connect() means. */
export function connectFailure(blame: Blame, error: NodeJS.ErrnoException, dialled: DialledFrom): GatewayError {
  if (isOwnShortage(error, dialled)) {
    const detail = 'no descriptor or port is left for another connection';
    return new GatewayError('overloaded', { detail, cause: error });
  }
  if (dialled.bound && (error.code === 'EADDRNOTAVAIL' || error.code === 'EINVAL')) return boundFailure(error);
  switch (error.code) {
    case 'ECONNREFUSED':
      return new GatewayError(kinds[blame].refused, { detail: `the ${blame} refused the connection`, cause: error });
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return new GatewayError(kinds[blame].reset, { detail: `the ${blame} reset the connection`, cause: error });
    case 'ETIMEDOUT':
      return dialTimeout(blame, 'connection', error);
    default:
      return unreachable(blame, `the ${blame} can't be reached`, error);
  }
}

/** An address of ours that isn't on this machine is the exit's failure, not the origin's. */
function boundFailure(error: NodeJS.ErrnoException): GatewayError {
  const detail = 'the address of the exit is not on this machine, or has no port left';
  return new GatewayError('exit_failed', { detail, cause: error });
}

/** How much a failed connect() says about the peer, for choosing among those of several addresses: an exhausted gateway before
 *  any peer, a peer that answered before one that is not reachable from here. */
export function tellingOf(error: NodeJS.ErrnoException, dialled: DialledFrom): number {
  if (isOwnShortage(error, dialled)) return 3;
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return 2;
    case 'ETIMEDOUT':
      return 1;
    default:
      return 0;
  }
}

/** What a failed TLS handshake with an exit means; `socket` knows whether it was the certificate. */
export function tlsFailure(socket: TLSSocket, cause?: unknown): GatewayError {
  // Typed as Error, but null until a verification has failed.
  const certificate = Boolean(socket.authorizationError);
  return new GatewayError('exit_tls', {
    detail: certificate ? "the exit's certificate is not valid" : 'the TLS handshake with the exit failed',
    proxyStatus: certificate ? 'tls_certificate_error' : 'tls_protocol_error',
    cause,
  });
}
