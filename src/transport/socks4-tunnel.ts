import { GatewayError } from '../errors.ts';
import type { Authority } from '../protocol/authority.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { granted, rejected, Socks4ReplyDecoder, socks4Request } from '../protocol/socks4.ts';
import type { Handshake } from './handshake.ts';

/** Asks a SOCKS4 exit for a tunnel to an IPv4 address, or a SOCKS4A exit for one to a name. Rejects with exit_rejected,
 *  exit_auth_failed where it doesn't take our user id, or as Handshake.receive does. */
export async function connectBySocks4(
  handshake: Handshake,
  ask: { readonly authority: Authority; readonly endpoint: Endpoint },
): Promise<void> {
  const request = socks4Request(ask.authority, ask.endpoint.username ?? '');
  if (!request.ok) throw new GatewayError(request.fault.kind, request.fault);
  handshake.send(request.value);
  const decoder = new Socks4ReplyDecoder();
  const code = await handshake.receive((chunk) => decoder.push(chunk));
  if (code === granted) return;
  const kind = code === rejected ? 'exit_rejected' : 'exit_auth_failed';
  throw new GatewayError(kind, { detail: `the exit answered SOCKS4 code ${code}` });
}
