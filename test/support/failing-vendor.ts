import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { freePort } from './free-port.ts';
import { listen } from './peers.ts';

/** How it treats whoever comes: `closed` has no port open, `silent` accepts and never answers. */
export type VendorMode = 'good' | 'closed' | 'silent' | 'status502' | 'status407';

/** One exchange that came, but for probes. */
export interface VendorExchange {
  readonly session: string;
  /** Exchanges under way with it, this one included, and how many were answered well since the mode changed. */
  readonly atOnce: number;
  readonly answered: number;
}

/** A vendor's gateway: one port, HTTP, exits named by the user name. It holds each CONNECT for `holdMs`. */
export interface FailingVendor {
  readonly port: number;
  /** Since the mode changed. */
  readonly exchanges: VendorExchange[];
  probes: number;
  /** Sessions that are dead: 502. */
  readonly dead: Set<string>;
  setMode(mode: VendorMode): Promise<void>;
  close(): Promise<void>;
}

const PROBE_PATH = /\/probe\/[0-9a-f]{32}$/;

export async function startFailingVendor({ holdMs = 20 } = {}): Promise<FailingVendor> {
  let mode: VendorMode = 'good';
  let epoch = 0;
  let [atOnce, answered] = [0, 0];
  const sockets = new Set<Duplex>();
  const exchanges: VendorExchange[] = [];
  const dead = new Set<string>();
  // While it is closed, nobody else may be given its port.
  const port = await freePort();
  let peer = await listen(serve(), '127.0.0.1', port);
  const gateway: FailingVendor = {
    port,
    exchanges,
    probes: 0,
    dead,
    setMode: async (next) => {
      const former = mode;
      mode = next;
      epoch += 1;
      // These would wait on. Whoever else is cut off would see another failure than the mode's.
      if (former === 'silent') for (const socket of sockets) socket.destroy();
      exchanges.length = 0;
      [atOnce, answered] = [0, 0];
      if (next === 'closed') await peer.close();
      else if (former === 'closed') peer = await listen(serve(), '127.0.0.1', port);
    },
    close: () => peer.close(),
  };
  return gateway;

  function serve(): Server {
    const made = createServer((request, response) => answerPage(request, response));
    made.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    });
    made.on('connect', (request: IncomingMessage, socket: Socket, early: Buffer) => {
      // An exchange ends for it with its answer, or when its connection does.
      const leave = enter(request, socket);
      if (mode === 'silent') return;
      if (mode !== 'good' || dead.has(sessionOf(request))) {
        leave(false);
        return void socket.end(`HTTP/1.1 ${mode === 'status407' ? '407 Who' : '502 No'}\r\nContent-Length: 0\r\n\r\n`);
      }
      setTimeout(() => {
        leave(true);
        tunnel(request.url ?? '', socket, early);
      }, holdMs);
    });
    return made;
  }

  function enter(request: IncomingMessage, socket: Duplex): (well: boolean) => void {
    const begunIn = epoch;
    atOnce += 1;
    exchanges.push({ session: sessionOf(request), atOnce, answered });
    let isIn = true;
    const leave = (well: boolean): void => {
      if (!isIn) return;
      isIn = false;
      if (begunIn !== epoch) return;
      atOnce -= 1;
      if (well) answered += 1;
    };
    socket.on('close', () => leave(false));
    return leave;
  }

  function answerPage(request: IncomingMessage, response: ServerResponse): void {
    const isProbe = PROBE_PATH.test(request.url ?? '');
    if (isProbe) gateway.probes += 1;
    const leave = isProbe ? () => {} : enter(request, request.socket);
    if (mode === 'silent') return;
    if (mode !== 'good' || dead.has(sessionOf(request))) {
      leave(false);
      return void response.writeHead(mode === 'status407' ? 407 : 502).end();
    }
    const forwarded = openRequest(request.url ?? '', { method: request.method, headers: { host: 'x' } }, (answer) => {
      leave(true);
      response.writeHead(answer.statusCode ?? 500, { 'content-type': answer.headers['content-type'] ?? '' });
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    forwarded.end();
  }
}

function sessionOf({ headers }: IncomingMessage): string {
  const [, word = ''] = (headers['proxy-authorization'] ?? '').split(' ');
  return Buffer.from(word, 'base64').toString().split(':')[0] ?? '';
}

function tunnel(target: string, socket: Duplex, early: Buffer): void {
  const [host = '', port = ''] = target.split(':');
  const out = connect(Number(port), host === 'localhost' ? '127.0.0.1' : host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    out.write(early);
    socket.pipe(out).pipe(socket);
  });
  out.on('error', () => socket.destroy());
  socket.on('close', () => out.destroy());
}
