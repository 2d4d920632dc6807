import { Agent, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type PrepareRequestFunctionOpts, RequestError, Server } from 'proxy-chain';
import { dialOrigin, type ExitSetting, join } from './exit-dial.ts';

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/** Starts an HTTP exit of proxy-chain on loopback, dialled by TLS where `tls` is given. Resolves with its port.
 *
 *  proxy-chain speaks to the gateway; the origin is dialled here, before it answers, so that the exit's latency, failures and
 *  label come in: a tunnel is handed over as a "connect server", a forwarded request's connection as an agent's only one. */
export async function startHttpExit(setting: ExitSetting, tls?: { cert: string; key: string }): Promise<number> {
  const { credential } = setting;
  const dialled = new WeakMap<Socket, Socket>();
  const tunnels = createServer();
  tunnels.removeAllListeners('connection').on('connection', (client: Socket) => {
    const origin = dialled.get(client);
    if (origin === undefined) client.destroy();
    else join(client, origin);
  });

  const prepareRequestFunction = async (asked: PrepareRequestFunctionOpts) => {
    const { request, username, password, isHttp } = asked;
    const known = username === credential.username && password === credential.password;
    if (!known) return { requestAuthentication: true };
    failPerhaps(setting, asked);
    const origin = await dialOrigin(setting, asked.hostname.replace(/^\[|\]$/g, ''), asked.port).catch((cause) => {
      throw unreachable(cause);
    });
    // Who left while the origin was dialled closes no more.
    if (request.socket.destroyed) origin.destroy();
    request.socket.once('close', () => origin.destroy());
    if (isHttp) return { httpAgent: Object.assign(new Agent(), { createConnection: () => origin }) };
    dialled.set(request.socket, origin);
    return { customConnectServer: tunnels };
  };

  const common = { host: '127.0.0.1', port: 0, prepareRequestFunction, authRealm: 'demo' };
  const server = new Server(tls ? { ...common, serverType: 'https', httpsOptions: tls } : common);
  await server.listen();
  return server.port;
}

/** Throws where this exchange is to fail. A forwarded request fails only where the gateway may repeat it, and never with a
 *  status, which would be taken for the origin's. */
function failPerhaps({ character }: ExitSetting, { request, isHttp }: PrepareRequestFunctionOpts): void {
  if (isHttp && !idempotent.has(request.method ?? '')) return;
  const failure = character.failure();
  if (failure === null) return;
  if (failure === 'reset' || isHttp) reset(request.socket);
  throw new RequestError('this exit is having a bad moment', 502);
}

function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** The reply for an origin that could not be reached, with the cause as RFC 9209 §2.3 names it. */
function unreachable({ code }: NodeJS.ErrnoException): RequestError {
  const error =
    code === 'ECONNREFUSED' ? 'connection_refused' : code === 'ENOTFOUND' ? 'dns_error' : 'destination_unavailable';
  return new RequestError('the origin cannot be reached', 502, { 'Proxy-Status': `demo; error=${error}` });
}
