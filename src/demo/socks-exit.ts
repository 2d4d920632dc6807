import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { type ExitSetting, join } from './exit-dial.ts';

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

type OnRequest = (request: { dstAddr: string; dstPort: number }, accept: Accept, deny: () => void) => void;

/** Answers success and gives out the connection; undefined where it is gone. */
type Accept = (intercept: true) => Socket | undefined;

interface SocksServer {
  listen(port: number, host: string, onListening: () => void): void;
  on(event: 'error', listener: (cause: Error) => void): void;
  address(): AddressInfo;
}

/** Starts a SOCKS5 exit of socksv5 at its address. Resolves with its port. The origin is dialled here before the library answers,
 *  which by itself it would not do, and its only refusal is a reply of two octets. */
export function startSocksExit(setting: ExitSetting): Promise<number> {
  const socksv5: Socksv5 = createRequire(import.meta.url)('socksv5');
  const server = socksv5.createServer({ auths: [passwordMethod(socksv5, setting)] }, (request, accept, deny) => {
    setting.dial({ host: request.dstAddr, port: request.dstPort, spared: false }).then((origin) => {
      const client = accept(true);
      if (client === undefined) origin.destroy();
      else join(client, origin);
    }, deny);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, setting.host, () => resolve(server.address().port));
  });
}

/** The library's password method, made for each connection, because one object keeps a half-read name for all of them. It
 *  must not hear of a failed login: it would call `util.isError`, which Node has no more since 23. */
function passwordMethod({ auth }: Socksv5, { credential }: ExitSetting): PasswordMethod {
  const make = () =>
    auth.UserPassword((username, password, done) => {
      done(username === credential.username && password === credential.password);
    });
  return {
    METHOD: make().METHOD,
    server: (stream, done) => make().server(stream, (result) => (result === true ? done(true) : stream.end())),
  };
}
