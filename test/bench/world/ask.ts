import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, basic, connectVia, forwardVia, type Login, open, startTls } from '../../support/clients.ts';
import { nameOfSite, pageMark } from './names.ts';
import { challengeMark } from './origin.ts';
import type { Page } from './workload.ts';

/** What has come over a closed connection is read within so long, in ms. */
const readOutMs = 500;

/** One request to the gateway for a page. */
export interface Ask {
  readonly page: Page;
  /** A credential with these parameters in the user name. */
  readonly login: (parameters: string) => Login;
  readonly parameters: string;
  readonly boundMs: number;
}

/** What a crawler makes of the answer. `believed`: it looks like a page, and isn't the one. `unserved`: a refusal, a challenge that
 *  every crawler knows, an error of the gateway or of an exit, or nothing within the bound. */
export interface Asked {
  readonly kind: 'page' | 'believed' | 'unserved';
  /** As the gateway said in its reply's fields; null where it didn't. */
  readonly requestId: string | null;
  readonly exit: string | null;
  /** Attempts that the gateway made, as far as the client is told: one where it isn't. */
  readonly attempts: number;
}

/** Asks the gateway at `port` on a connection of its own, forwarded or through a tunnel with TLS. Never rejects. */
export async function ask(port: number, { page, login, parameters, boundMs }: Ask): Promise<Asked> {
  const nothing: Asked = { kind: 'unserved', requestId: null, exit: null, attempts: 1 };
  const socket = await open(port).catch(() => null);
  if (socket === null) return nothing;
  const bound = setTimeout(() => socket.destroy(), Math.max(1, boundMs));
  try {
    const credential = login(parameters);
    return await (page.tunnel ? askByTunnel(socket, page, credential) : askForwarded(socket, page, credential));
  } catch {
    return nothing;
  } finally {
    clearTimeout(bound);
    socket.destroy();
  }
}

/** What `answer` is; rejects when `socket` was closed and all that came over it has been read. TLS and HTTP that are put on a
 *  connection which is already closed would wait for ever. */
function whileOpen<T>(socket: Socket, answer: Promise<T>): Promise<T> {
  const closed = new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
  const lost = closed.then(() => sleep(readOutMs)).then(() => Promise.reject(new Error('the connection was lost')));
  return Promise.race([answer, lost]);
}

async function askForwarded(socket: Socket, page: Page, login: Login): Promise<Asked> {
  const url = `http://${nameOfSite(page.site)}/goods/${page.number}`;
  const fields = { 'Proxy-Authorization': basic(login), Connection: 'close' };
  const answer = await whileOpen(socket, forwardVia(0, url, { socket, fields }));
  return { kind: kindOf(answer, page), ...told((name) => String(answer.headers[name] ?? '')) };
}

async function askByTunnel(socket: Socket, page: Page, login: Login): Promise<Asked> {
  const name = nameOfSite(page.site);
  const connected = await connectVia(socket, `${name}:443`, { login });
  const reply = told((field) => new RegExp(`^${field}: *(.*)\r$`, 'im').exec(connected.head)?.[1] ?? '');
  if (connected.status !== 200) return { kind: 'unserved', ...reply };
  try {
    const secured = await whileOpen(socket, startTls(connected.socket, { servername: name }));
    const fields = { Host: name, Connection: 'close' };
    const answer = await whileOpen(socket, forwardVia(0, `/goods/${page.number}`, { socket: secured, fields }));
    return { kind: kindOf(answer, page), ...reply };
  } catch {
    return { kind: 'unserved', ...reply };
  }
}

function kindOf({ status, content, cut }: Answer, { site }: Page): Asked['kind'] {
  const text = content.toString('latin1');
  if (status !== 200 || cut || text.includes(challengeMark)) return 'unserved';
  return text.includes(pageMark(site)) ? 'page' : 'believed';
}

/** What the reply's own fields tell of an ask. */
function told(field: (name: string) => string): Omit<Asked, 'kind'> {
  const [exit = ''] = field('roundabout-exit').split(/[;, ]/);
  const attempts = Number(/attempts=(\d+)/.exec(field('roundabout-error'))?.[1] ?? 1);
  return { requestId: field('roundabout-request-id') || null, exit: exit || null, attempts: Math.max(1, attempts) };
}
