import { Buffer } from 'node:buffer';
import { TLSSocket } from 'node:tls';
import { GatewayError } from '../errors.ts';
import { Deadline } from '../gateway/deadline.ts';
import { httpErrorReply } from '../protocol/error-reply.ts';
import { socks4Refusal } from '../protocol/socks4.ts';
import { methodReply, noAcceptableMethods } from '../protocol/socks5.ts';
import { ignoreError } from '../transport/ignore-error.ts';
import { toNodeSocket } from '../transport/node-sockets.ts';
import { speaksOver } from '../transport/reset-socket.ts';
import type { Socket } from '../transport/socket.ts';
import type { ListenerContext } from './context.ts';
import { HttpClient } from './http-client.ts';
import { lingerAndClose } from './linger.ts';
import { SocksClient } from './socks-client.ts';

/** First octets that tell protocols apart: TLS handshake record (RFC 8446 §5.1), SOCKS versions. */
const TLS_HANDSHAKE = 0x16;
const SOCKS5 = 0x05;
const SOCKS4 = 0x04;

/** A client being served. */
export interface Served {
  /** Closes the connection at once where no exchange is under way on it, otherwise behind that one. */
  closeIfIdle(): void;
}

export interface AcceptOptions {
  readonly context: ListenerContext;
  /** Why this connection is refused, though accepted: a loop, or no room for more. Null to serve it. */
  readonly refusal: GatewayError | null;
  /** Told who serves the connection, once that is known. */
  readonly onServed: (served: Served) => void;
  /** Told once its client has shown a login that holds. */
  readonly onProved: () => void;
}

/** Takes a connection just accepted: waits for its first octets, tells by them what it speaks, and hands it to who serves that.
 *  A client that sends nothing, or doesn't finish its TLS handshake, is closed after the handshake deadline. */
export function accept(socket: Socket, options: AcceptOptions): void {
  const { handshake } = options.context.timeouts;
  const destroy = (): void => void socket.destroy();
  const patience = new Deadline(destroy);
  patience.set(handshake);
  const onClose = (): void => patience.clear();
  // Not once(): that makes two objects more of each listener, for every connection.
  const onData = (first: Buffer): void => {
    socket.off('data', onData).off('end', destroy).off('close', onClose);
    patience.clear();
    dispatch(socket, first, options);
  };
  socket.on('error', ignoreError).on('data', onData).on('end', destroy).on('close', onClose);
}

/** Takes an HTTP connection that another thread has served, and that rests between two requests. */
export function goOn(socket: Socket, { context, refusal, onServed }: AcceptOptions): void {
  socket.on('error', ignoreError);
  const client = new HttpClient(socket, context, { refusal, onProved: null });
  onServed(client);
  client.goOn();
}

function dispatch(socket: Socket, first: Buffer, options: AcceptOptions): void {
  const { context } = options;
  const { protocols } = context;
  const octet = first[0];
  const refusal = options.refusal ?? loopRefusal(socket, context);
  // What costs something before there is an exchange is not begun where that would be refused; requests ask for themselves.
  const orOverload = () => refusal ?? context.gateway.overload(socket, 0);
  if (octet === TLS_HANDSHAKE && protocols.has('https'))
    return startTls(socket, first, { ...options, refusal: orOverload() });
  if (octet === SOCKS5 && protocols.has('socks5'))
    return serveSocks(socket, first, { ...options, refusal: orOverload() });
  if (octet === SOCKS4 && protocols.has('socks5')) return refuse(socket, socks4Refusal());
  if (protocols.has('http')) return serveHttp(socket, first, { ...options, refusal });
  // What this listener doesn't speak gets an answer in its own words where there are any.
  if (octet === SOCKS5) return refuse(socket, methodReply(noAcceptableMethods));
  if (octet === SOCKS4) return refuse(socket, socks4Refusal());
  if (octet === TLS_HANDSHAKE) {
    socket.destroy();
    return;
  }
  const detail = protocols.has('https')
    ? 'this listener speaks HTTP over TLS only'
    : 'this listener speaks SOCKS5 only';
  refuse(socket, plainError(new GatewayError('bad_request', { detail })));
}

/** A connection that we opened ourselves would go round for ever. It shows once its first octets have come: a connection may be
 *  accepted before its other end knows that it is connected. */
function loopRefusal(socket: Socket, { gateway }: ListenerContext): GatewayError | null {
  if (!gateway.dialler.isOwnSocket(socket)) return null;
  return new GatewayError('loop', { detail: 'the gateway was asked to go through itself' });
}

function serveHttp(socket: Socket, first: Buffer, { context, onServed, ...options }: AcceptOptions): void {
  const client = new HttpClient(socket, context, options);
  onServed(client);
  client.start(first);
}

function serveSocks(socket: Socket, first: Buffer, { context, onServed, ...options }: AcceptOptions): void {
  const client = new SocksClient(socket, context, options);
  onServed(client);
  client.start(first);
}

/** TLS on an accepted connection whose first octets were read already; inside it only HTTP is spoken. */
function startTls(socket: Socket, first: Buffer, options: AcceptOptions): void {
  const { context } = options;
  const secureContext = context.secureContext();
  if (secureContext === undefined || options.refusal !== null) {
    socket.destroy();
    return;
  }
  socket.pause();
  const stream = toNodeSocket(socket);
  stream.unshift(first);
  const secure = new TLSSocket(stream, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
  speaksOver(secure, stream);
  secure.on('error', ignoreError);
  // Of a fault behind the handshake, such as a record that was tampered with, Node says so and goes on waiting; and where no server of its
  // own has accepted, it does so by this event alone.
  secure.on('_tlsError', () => void secure.destroy());
  const patience = new Deadline(() => socket.destroy());
  patience.set(context.timeouts.handshake);
  const onClose = (): void => patience.clear();
  secure.once('close', onClose);
  secure.once('secure', () => {
    patience.clear();
    secure.off('close', onClose);
    serveHttp(secure, Buffer.alloc(0), options);
  });
}

function refuse(socket: Socket, reply: Buffer): void {
  socket.write(reply);
  lingerAndClose(socket);
}

function plainError(error: GatewayError): Buffer {
  const context = { requestId: '-', attempts: 0, method: 'GET', minorVersion: 1, keepAlive: false } as const;
  return httpErrorReply(error, { ...context, proxyName: 'roundabout' }).octets;
}
