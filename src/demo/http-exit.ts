import { Agent, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type PrepareRequestFunctionOpts, RequestError, Server } from 'proxy-chain';
import { type ExitSetting, ExitTrouble, join } from './exit-dial.ts';

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/** Starts an HTTP exit of proxy-chain at its address, dialled by TLS where `tls` is given. Resolves with its port.
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
    const { request, username, password, isHttp, hostname, port } = asked;
    const known = username === credential.username && password === credential.password;
    if (!known) return { requestAuthentication: true };
    const spared = isHttp && !idempotent.has(request.method ?? '');
    const origin = await setting.dial({ host: hostname.replace(/^\[|\]$/g, ''), port, spared }).catch((cause) => {
      throw cause instanceof ExitTrouble ? inTrouble(cause, asked) : unreachable(cause);
    });
    endTogether(request.socket, origin);
    if (isHttp) return { httpAgent: Object.assign(new Agent(), { createConnection: () => origin }) };
    dialled.set(request.socket, origin);
    return { customConnectServer: tunnels };
  };

  const common = { host: setting.host, port: 0, prepareRequestFunction, authRealm: 'demo' };
  const server = new Server(tls ? { ...common, serverType: 'https', httpsOptions: tls } : common);
  await server.listen();
  return server.port;
}

/** The client's end is the origin connection's. A kept client connection outlives many of those. */
function endTogether(client: Socket, origin: Socket): void {
  // Who left while the origin was dialled closes no more.
  if (client.destroyed) origin.destroy();
  const end = () => origin.destroy();
  client.once('close', end);
  origin.once('close', () => client.off('close', end));
}

/** How the exit's failure looks. A forwarded request never fails with a status, which would be taken for the origin's. */
function inTrouble({ how }: ExitTrouble, { request, isHttp }: PrepareRequestFunctionOpts): RequestError {
  if (how === 'reset' || isHttp) reset(request.socket);
  return new RequestError('this exit is having a bad moment', 502);
}

function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** What a dial ends with as RFC 9209 §2.3 names it. */
const causes: ReadonlyMap<string | undefined, string> = new Map([
  ['ENETUNREACH', 'destination_ip_unroutable'],
  ['EHOSTUNREACH', 'destination_ip_unroutable'],
  ['ENOTFOUND', 'dns_error'],
  ['EAI_AGAIN', 'dns_error'],
  ['ECONNREFUSED', 'connection_refused'],
  ['ETIMEDOUT', 'connection_timeout'],
]);

/** The reply for an origin that could not be reached. */
function unreachable({ code }: NodeJS.ErrnoException): RequestError {
  const error = causes.get(code) ?? 'destination_unavailable';
  return new RequestError('the origin cannot be reached', 502, { 'Proxy-Status': `demo; error=${error}` });
}
