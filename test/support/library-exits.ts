import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Server } from 'proxy-chain';
import { testCertificate } from './certificate.ts';
import { type ExitCredential, exitUrl } from './http-exits.ts';
import type { SocksOrder, SocksResult } from './socksv5-child.ts';

/** An exit that a library serves. */
export interface LibraryExit {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts an exit of proxy-chain, as it comes; with `tls` it is dialled by TLS, with `testCertificate()`. */
export async function startProxyChainExit(
  credential?: ExitCredential,
  options: { tls?: boolean } = {},
): Promise<LibraryExit> {
  const common = {
    host: '127.0.0.1',
    port: 0,
    prepareRequestFunction: ({ username, password }: ExitCredential) => ({
      requestAuthentication:
        credential !== undefined && (username !== credential.username || password !== credential.password),
    }),
  };
  const server = options.tls
    ? new Server({ ...common, serverType: 'https', httpsOptions: await testCertificate() })
    : new Server(common);
  await server.listen();
  const url = exitUrl(options.tls ? 'https' : 'http', server.port, credential);
  return { port: server.port, url, close: () => server.close(true) };
}

/** Starts an exit of socksv5, as it comes, in a process of its own. */
export async function startSocksv5Exit(credential?: ExitCredential): Promise<LibraryExit> {
  const { child, result } = await order({ kind: 'exit', credential });
  const port = result.port ?? 0;
  const close = async () => {
    const left = once(child, 'exit');
    child.disconnect();
    await left;
  };
  return { port, url: exitUrl('socks5', port, credential), close };
}

/** Sends `request` over a tunnel that socksv5's client opened through the SOCKS5 server at `proxyPort`, and reads until the
 *  end. `error` is the library's code where it opened none. */
export async function socksv5Exchange(
  proxyPort: number,
  target: { host: string; port: number },
  options: { login?: ExitCredential; request: string },
): Promise<{ text: string; error?: string }> {
  const { child, result } = await order({ kind: 'client', proxyPort, ...target, ...options });
  child.disconnect();
  return { text: result.text ?? '', error: result.error };
}

async function order(message: SocksOrder) {
  const child = fork(new URL('./socksv5-child.ts', import.meta.url), { execArgv: ['--no-deprecation'] });
  child.send(message);
  const left = once(child, 'exit').then(() => Promise.reject(new Error('the process of socksv5 ended')));
  // Its regular end, later, is nobody's concern.
  left.catch(() => {});
  const [result]: SocksResult[] = await Promise.race([once(child, 'message'), left]);
  return { child, result: result ?? {} };
}
