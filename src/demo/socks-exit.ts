import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { type ExitSetting, ExitTrouble, join } from './exit-dial.ts';

type Verdict = (result: boolean | Error) => void;

/** The part of socksv5, which has no types, that is used here. */
interface Socksv5 {
  createServer(options: { auths: readonly PasswordMethod[] }, onRequest: OnRequest): SocksServer;
  readonly auth: { UserPassword(judge: (username: string, password: string, done: Verdict) => void): PasswordMethod };
}

interface PasswordMethod {
  readonly METHOD: number;
  server(stream: Socket, done: Verdict): void;
}

/** What is asked for, and the address that it is asked from. */
interface SocksRequest {
  readonly dstAddr: string;
  readonly dstPort: number;
  readonly srcAddr: string;
  readonly srcPort: number;
}

type OnRequest = (request: SocksRequest, accept: Accept) => void;

/** Answers success and gives out the connection; undefined where it is gone. */
type Accept = (intercept: true) => Socket | undefined;

interface SocksServer {
  listen(port: number, host: string, onListening: () => void): void;
  on(event: 'error', listener: (cause: Error) => void): void;
  address(): AddressInfo;
}

/** REP (RFC 1928 §6) for what a dial ends with. All else is a general failure. */
const replies: ReadonlyMap<string | undefined, number> = new Map([
  ['ENETUNREACH', 0x03],
  ['EHOSTUNREACH', 0x04],
  ['ENOTFOUND', 0x04],
  ['EAI_AGAIN', 0x04],
  ['ECONNREFUSED', 0x05],
  ['ETIMEDOUT', 0x06],
]);

const GENERAL_FAILURE = 0x01;

/** Clients that log in or have, by the address that they come from: the library's requests don't hold their connection. */
type Clients = Map<string, Socket>;

/** Starts a SOCKS5 exit of socksv5 at its address. Resolves with its port. The origin is dialled here before the library answers,
 *  which by itself it would not do. Its only refusal is "not allowed", whatever happened; so refusals are written here. */
export function startSocksExit(setting: ExitSetting): Promise<number> {
  const socksv5: Socksv5 = createRequire(import.meta.url)('socksv5');
  const clients: Clients = new Map();
  const auths = [passwordMethod(socksv5, setting, clients)];
  const server = socksv5.createServer({ auths }, ({ dstAddr, dstPort, srcAddr, srcPort }, accept) => {
    setting.dial({ host: dstAddr, port: dstPort, spared: false }).then(
      (origin) => {
        const client = accept(true);
        if (client === undefined) origin.destroy();
        else join(client, origin);
      },
      (cause) => refuse(clients.get(placeOf(srcAddr, srcPort)), cause),
    );
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, setting.host, () => resolve(server.address().port));
  });
}

const placeOf = (address: string | undefined, port: number | undefined): string => `${address} ${port}`;

/** Tells the client, where it is still there, why there is no connection. */
function refuse(client: Socket | undefined, cause: NodeJS.ErrnoException): void {
  if (cause instanceof ExitTrouble && cause.how === 'reset') client?.resetAndDestroy();
  // VER, REP, RSV, ATYP (IPv4), and an address and a port of nothing.
  else client?.end(Buffer.from([0x05, replies.get(cause.code) ?? GENERAL_FAILURE, 0x00, 0x01, 0, 0, 0, 0, 0, 0]));
}

/** The library's password method, made for each connection, because one object keeps a half-read name for all of them. It
 *  must not hear of a failed login: it would call `util.isError`, which Node has no more since 23. */
function passwordMethod({ auth }: Socksv5, { credential }: ExitSetting, clients: Clients): PasswordMethod {
  const make = () =>
    auth.UserPassword((username, password, done) => {
      done(username === credential.username && password === credential.password);
    });
  return {
    METHOD: make().METHOD,
    server: (stream, done) => {
      const place = placeOf(stream.remoteAddress, stream.remotePort);
      clients.set(place, stream);
      stream.once('close', () => clients.delete(place));
      make().server(stream, (result) => (result === true ? done(true) : stream.end()));
    },
  };
}
