import { GatewayError } from '../errors.ts';
import { type Authority, formatAuthority } from '../protocol/authority.ts';
import { formatBasic } from '../protocol/credentials.ts';
import { type Decoded, refused } from '../protocol/decoded.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { type ExitErrorRule, exitErrorOf } from '../protocol/exit-errors.ts';
import { ResponseHeadDecoder } from '../protocol/http-head.ts';
import type { HeadLimits, ResponseHead } from '../protocol/http-message.ts';
import type { Handshake } from './handshake.ts';

/** Interim responses (1xx) passed over before the answer. */
const INTERIM_LIMIT = 8;

/** How an HTTP exit's answers are read. */
export interface HttpTunnelOptions {
  readonly heads: HeadLimits;
  readonly exitErrors: readonly ExitErrorRule[];
}

/** Asks an HTTP exit for a tunnel by CONNECT (RFC 9110 §9.3.6) and waits for its answer. Rejects with exit_auth_failed (407),
 *  the cause that a refusal names in its fields, otherwise exit_rejected, or as Handshake.receive does. Stricter than the RFC
 *  on purpose: an answer that looks like a page is no tunnel. */
export async function connectByHttp(
  handshake: Handshake,
  ask: { readonly authority: Authority; readonly endpoint: Endpoint },
  options: HttpTunnelOptions,
): Promise<void> {
  const host = formatAuthority(ask.authority);
  const { username, password = '' } = ask.endpoint;
  const authorization = username === undefined ? '' : `Proxy-Authorization: ${formatBasic({ username, password })}\r\n`;
  handshake.send(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n${authorization}\r\n`);

  const head = await handshake.receive(finalHead(options.heads));
  if (head.status < 200 || head.status > 299) throw refusal(head, options.exitErrors);
  if (isPage(head)) throw rejected(head, 'the exit answered CONNECT with content in place of a tunnel');
  if (ask.authority.port === 443 && !mayBeTls(handshake.rest))
    throw rejected(head, 'what the exit sent behind its answer is not TLS');
}

/** Decodes the first head that is no interim response. */
function finalHead(limits: HeadLimits): (chunk: Buffer) => Decoded<ResponseHead> {
  const decoder = new ResponseHeadDecoder(limits);
  let interim = 0;
  return (chunk) => {
    let result = decoder.push(chunk);
    while (result.state === 'value' && isInterim(result.value)) {
      if (++interim > INTERIM_LIMIT) return refused('bad_request', 'interim responses without end');
      result = decoder.push(result.rest);
    }
    return result;
  };
}

/** 101 is final: nobody asked for another protocol. */
const isInterim = ({ status }: ResponseHead): boolean => status < 200 && status !== 101;

function isPage(head: ResponseHead): boolean {
  if (head.fields.has('transfer-encoding')) return true;
  return head.fields.all('content-length').some((value) => !/^0+$/.test(value));
}

/** Whether the octets can begin a TLS record (RFC 8446 §5.1: content types 20 to 24); none can. */
function mayBeTls(octets: Buffer): boolean {
  const type = octets[0];
  return type === undefined || (type >= 20 && type <= 24);
}

function refusal(head: ResponseHead, rules: readonly ExitErrorRule[]): GatewayError {
  return new GatewayError(exitErrorOf(head, rules) ?? 'exit_rejected', {
    detail: `the exit answered CONNECT with status ${head.status}`,
    receivedStatus: head.status,
    isExitsWord: true,
  });
}

const rejected = (head: ResponseHead, detail: string): GatewayError =>
  new GatewayError('exit_rejected', { detail, receivedStatus: head.status });
