import { type ErrorKind, GatewayError } from '../errors.ts';
import type { Authority } from '../protocol/authority.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { noAuthentication, succeeded, usernamePassword } from '../protocol/socks5.ts';
import {
  connectRequest,
  greeting,
  MethodDecoder,
  PasswordReplyDecoder,
  passwordRequest,
  SocksReplyDecoder,
} from '../protocol/socks5-client.ts';
import type { Handshake } from './handshake.ts';

/** What a REP other than success says (RFC 1928 §6): 3 to 6 name a cause beyond the exit, the others are its own. */
const refusals: ReadonlyMap<number, ErrorKind> = new Map<number, ErrorKind>([
  [0x01, 'exit_failed'],
  [0x03, 'origin_unreachable'],
  [0x04, 'origin_unreachable'],
  [0x05, 'origin_refused'],
  [0x06, 'origin_timeout'],
]);

/** Asks a SOCKS5 exit for a tunnel to `authority` (RFC 1928, RFC 1929). Rejects with the cause that its REP names, exit_rejected
 *  for any other refusal, exit_auth_failed where it doesn't take our credential, or as Handshake.receive does. */
export async function connectBySocks5(
  handshake: Handshake,
  ask: { readonly authority: Authority; readonly endpoint: Endpoint },
): Promise<void> {
  await loginBySocks5(handshake, ask.endpoint);
  handshake.send(connectRequest(ask.authority));
  const decoder = new SocksReplyDecoder();
  const reply = await handshake.receive((chunk) => decoder.push(chunk));
  if (reply === succeeded) return;
  throw new GatewayError(refusals.get(reply) ?? 'exit_rejected', {
    detail: `the exit answered SOCKS5 reply ${reply}`,
    isExitsWord: true,
  });
}

/** The first half of it: the exit speaks SOCKS5 and takes our credential. Rejects as connectBySocks5. */
export async function loginBySocks5(handshake: Handshake, endpoint: Endpoint): Promise<void> {
  const { username, password = '' } = endpoint;
  handshake.send(greeting(username !== undefined));
  const methodDecoder = new MethodDecoder();
  const method = await handshake.receive((chunk) => methodDecoder.push(chunk));
  if (method === noAuthentication) return;
  if (username === undefined) throw authFailure('the exit asks for a credential');
  if (method !== usernamePassword) throw authFailure('the exit takes no password');

  const request = passwordRequest({ username, password });
  if (!request.ok) throw new GatewayError(request.fault.kind, request.fault);
  handshake.send(request.value);
  const decoder = new PasswordReplyDecoder();
  const accepted = await handshake.receive((chunk) => decoder.push(chunk));
  if (!accepted) throw authFailure('the exit refused the credential');
}

const authFailure = (detail: string): GatewayError => new GatewayError('exit_auth_failed', { detail });
