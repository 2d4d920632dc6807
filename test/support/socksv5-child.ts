import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import type { ExitCredential } from './http-exits.ts';

/** What the process is started for: one exit, or one exchange through a SOCKS5 server. */
export type SocksOrder =
  | { readonly kind: 'exit'; readonly credential?: ExitCredential }
  | {
      readonly kind: 'client';
      readonly proxyPort: number;
      readonly host: string;
      readonly port: number;
      readonly login?: ExitCredential;
      readonly request: string;
    };

/** Its one answer. */
export interface SocksResult {
  readonly port?: number;
  readonly text?: string;
  readonly error?: string;
}

type Verdict = (result: boolean | Error) => void;
type Handler = (stream: Socket, done: Verdict) => void;

/** The part of socksv5, which has no types, that is used here. */
interface Library {
  createServer(options: { auths: object[] }): {
    listen(port: number, host: string, onListening: () => void): void;
    address(): AddressInfo;
  };
  Client: new (options: {
    proxyHost: string;
    proxyPort: number;
    localDNS: boolean;
    auths: object[];
  }) => {
    connect(options: { host: string; port: number; proxyHost: string }, onConnect: (socket: Socket) => void): void;
    on(event: 'error', listener: (cause: { code?: string; message: string }) => void): void;
  };
  auth: {
    None(): object;
    UserPassword(user: string, password: string): { METHOD: number; client: Handler };
    UserPassword(judge: (user: string, password: string, done: (right: boolean) => void) => void): {
      METHOD: number;
      server: Handler;
    };
  };
}

const socks: Library = createRequire(import.meta.url)('socksv5');
const report = (result: SocksResult) => void process.send?.(result);

/** The library calls `util.isError`, gone since Node 23, where a login failed: it must not hear of that. */
function unlessFailed(handler: Handler, onFailed: (stream: Socket) => void): Handler {
  return (stream, done) => handler(stream, (result) => (result === true ? done(true) : onFailed(stream)));
}

function serve(credential?: ExitCredential): void {
  const password = socks.auth.UserPassword((user, secret, done) => {
    done(user === credential?.username && secret === credential.password);
  });
  const server = unlessFailed(password.server, (stream) => stream.end());
  const listener = socks.createServer({ auths: [credential ? { ...password, server } : socks.auth.None()] });
  listener.listen(0, '127.0.0.1', () => report({ port: listener.address().port }));
}

function exchange({ proxyPort, host, port, login, request }: SocksOrder & { kind: 'client' }): void {
  const password = socks.auth.UserPassword(login?.username ?? '', login?.password ?? '');
  const client = unlessFailed(password.client, () => report({ error: 'EAUTHFAILED' }));
  const auths = [login ? { ...password, client } : socks.auth.None()];
  const proxyHost = '127.0.0.1';
  const connection = new socks.Client({ proxyHost, proxyPort, localDNS: false, auths });
  connection.on('error', ({ code, message }) => report({ error: code ?? message }));
  connection.connect({ host, port, proxyHost }, (socket) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => report({ text }));
    socket.write(request, 'latin1');
  });
}

process.once('message', (order: SocksOrder) => (order.kind === 'exit' ? serve(order.credential) : exchange(order)));
process.once('disconnect', () => process.exit());
