import { Buffer } from 'node:buffer';
import { isIPv4 } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { Authority } from '../protocol/authority.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import { Cutoff } from './cutoff.ts';
import type { DialLimits, Dialler, DialTarget } from './dial.ts';
import { Handshake } from './handshake.ts';
import { connectByHttp, type HttpTunnelOptions } from './http-tunnel.ts';
import type { AddressQuestion } from './judged-addresses.ts';
import type { Socket } from './socket.ts';
import { connectBySocks4 } from './socks4-tunnel.ts';
import { connectBySocks5 } from './socks5-tunnel.ts';

const NOTHING = Buffer.alloc(0);

/** What tunnels are made with. */
export interface TunnelTools extends HttpTunnelOptions {
  readonly dialler: Dialler;
}

/** How an exit is dialled. */
export interface TunnelExit {
  readonly endpoint: Endpoint;
  /** For `https`: whether its certificate must be valid, and by which authorities (PEM; null for the well-known ones). */
  readonly verifyTls: boolean;
  readonly ca: string | null;
}

/** The verdict on an address: why it must not be reached, or null. */
export type Judge = (address: string) => GatewayError | null;

/** Where a tunnel shall lead, and how. Of one that is not confirmed `giveUp` closes the connection, now or soon. */
export interface TunnelRequest extends DialLimits {
  readonly authority: Authority;
  /** Who resolves the origin's name. `socks4` and `direct` always resolve here. */
  readonly dns: 'local' | 'remote';
  /** Of the origin's address, where we resolve; 0 for either. */
  readonly family: 0 | 4 | 6;
  /** Of the origin's addresses, where we resolve. */
  readonly judge: Judge;
  /** Of the addresses of the exit's own endpoint. */
  readonly judgeExit?: Judge;
  /** See DialTarget. */
  readonly mostUnread?: DialTarget['mostUnread'];
  readonly onWire?: DialTarget['onWire'];
  readonly giveUp?: (socket: Socket, cause: unknown) => void;
  /** Asked once an exit is connected to: what to wait for before it is told where to go, on no deadline of ours; null for nothing.
   *  Resolves to the deadline of what remains, in ms from then. */
  readonly turn?: () => Promise<number> | null;
}

/** A way to an origin over an exit. */
export interface OpenedTunnel {
  /** As Dialler.dial leaves it, and paused: it must be resumed to flow. */
  readonly socket: Socket;
  /** What the origin has sent already; more may wait in the socket, behind it. */
  readonly early: Buffer;
}

/** Opens a tunnel over an exit, or straight to the origin for `direct`; it is open only when the exit has confirmed it. Names,
 *  dial and handshake together end within `deadlineMs`. Rejects with GatewayError (exit_*, origin_*, a verdict of `judge`,
 *  overloaded) or with the signal's reason; then nothing is left open, but for what `giveUp` leaves. */
export async function openTunnel(tools: TunnelTools, exit: TunnelExit, request: TunnelRequest): Promise<OpenedTunnel> {
  const { dialler } = tools;
  if (exit.endpoint.scheme === 'direct') {
    const from = exit.endpoint.host;
    const socket = await dialler.dial({
      ...request,
      ...request.authority,
      from: from === '' ? undefined : from,
      family: from === '' ? request.family : isIPv4(from) ? 4 : 6,
      blame: 'origin',
      brief: true,
    });
    return { socket: socket.pause(), early: NOTHING };
  }

  const cutoff = new Cutoff(request.deadlineMs, request.signal);
  let socket: Socket | null = null;
  try {
    const found = authorityFor(exit, request, (question) => dialler.addresses(question, cutoff));
    const authority = found instanceof Promise ? await found : found;
    const { judgeExit, mostUnread, onWire } = request;
    const target = { ...exitTarget(exit), judge: judgeExit, brief: true, mostUnread, onWire };
    socket = await dialler.dialWithin(target, cutoff);
    const turn = request.turn?.() ?? null;
    // Our own rest is no silence of the exit's.
    if (turn !== null) cutoff.restart(await turn);
    const handshake = new Handshake(socket, cutoff);
    await confirmTunnel(handshake, { authority, endpoint: exit.endpoint }, tools);
    return { socket, early: handshake.rest };
  } catch (cause) {
    if (socket !== null && request.giveUp !== undefined) request.giveUp(socket, cause);
    else socket?.destroy();
    throw cause;
  } finally {
    cutoff.close();
  }
}

/** How the exit itself is dialled, by TLS for `https`: under a tunnel, or for forwarding over an HTTP exit. Not for `direct`. */
export function exitTarget({ endpoint, verifyTls, ca }: TunnelExit): DialTarget {
  const tls = endpoint.scheme === 'https' ? { verify: verifyTls, ca } : undefined;
  return { host: endpoint.host, port: endpoint.port, blame: 'exit', tls };
}

type Asked = Pick<TunnelRequest, 'authority' | 'dns' | 'family' | 'judge'>;
type AddressesOf = (question: AddressQuestion) => readonly string[] | Promise<readonly string[]>;

/** What the exit is asked for: the authority as it stands, at once, or with an address in place of its name, that `addressesOf`
 *  finds. */
export function authorityFor(exit: TunnelExit, asked: Asked, addressesOf: AddressesOf): Authority | Promise<Authority> {
  if (asked.dns === 'remote' && exit.endpoint.scheme !== 'socks4') return asked.authority;
  return addressedAuthority(exit, asked, addressesOf);
}

async function addressedAuthority(
  exit: TunnelExit,
  { authority, family, judge }: Asked,
  addressesOf: AddressesOf,
): Promise<Authority> {
  const socks4 = exit.endpoint.scheme === 'socks4';
  if (socks4 && (authority.family === 6 || family === 6))
    throw new GatewayError('exit_rejected', { detail: 'SOCKS4 cannot reach an IPv6 address' });

  const question = { host: authority.host, family: socks4 ? 4 : family, blame: 'origin', judge } as const;
  const addresses = await addressesOf(question);
  // Most exits reach IPv4; few reach IPv6.
  const host = addresses.find((address) => isIPv4(address)) ?? addresses[0] ?? authority.host;
  return { host, port: authority.port, family: isIPv4(host) ? 4 : 6 };
}

/** Asks an exit for a tunnel over a connection to it, and waits until it has confirmed. Rejects as openTunnel does. */
export function confirmTunnel(
  handshake: Handshake,
  ask: { readonly authority: Authority; readonly endpoint: Endpoint },
  options: HttpTunnelOptions,
): Promise<void> {
  switch (ask.endpoint.scheme) {
    case 'socks5':
      return connectBySocks5(handshake, ask);
    case 'socks4':
    case 'socks4a':
      return connectBySocks4(handshake, ask);
    default:
      return connectByHttp(handshake, ask, options);
  }
}
