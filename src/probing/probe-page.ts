import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { keepNewest } from '../admin/newest-connections.ts';
import { plainAddress } from '../protocol/address-range.ts';

/** A page that one probe may fetch. */
export interface ProbeVisit {
  readonly path: string;
  /** The address that came for it, as we saw it; null where nobody did. An exit that makes up an answer can't make that up. */
  readonly seen: () => string | null;
  /** Nobody may come for it any more. */
  close(): void;
}

/** The probe target that needs no service of others: a listener of ours that tells whoever comes for an announced page where he
 *  comes from, and everybody else nothing. */
export interface ProbePage {
  readonly host: string;
  readonly port: number;
  /** Resolves once there is a place for whoever comes for it. */
  announce(): Promise<ProbeVisit>;
  close(): Promise<void>;
}

const bounds = {
  maxHeaderSize: 8_192,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 1_000,
  connectionsCheckingInterval: 1_000,
} as const;

export interface ProbePageOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Connections at most. */
  readonly most: number;
}

/** Binds it. Rejects with the system's error. */
export function openProbePage({ host, port, most }: ProbePageOptions): Promise<ProbePage> {
  const visits = new Map<string, string | null>();
  const places = new Places(Math.max(1, Math.floor(most / 2)));
  const server = createServer(bounds, (request, response) => answer(request, response, visits));
  keepNewest(server, most);
  server.on('clientError', (_, socket) => socket.destroy());
  const announce = async (): Promise<ProbeVisit> => {
    await places.take();
    const name = randomBytes(16).toString('hex');
    visits.set(name, null);
    const close = (): void => {
      if (visits.delete(name)) places.giveBack();
    };
    return { path: `/probe/${name}`, seen: () => visits.get(name) ?? null, close };
  };
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      server.unref();
      const address = server.address();
      resolve({ host, port: typeof address === 'object' && address !== null ? address.port : port, announce, close });
    });
  });
}

/** Places for those who are expected, half of all: were there more of them than connections, each that comes would close another's, whose
 *  exit would be taken for dead; and strangers come as well. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  /** Waits for those before it, who have their deadlines. */
  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** Other paths may stand before ours, where a proxy of the operator's leads here. */
function answer(request: IncomingMessage, response: ServerResponse, visits: Map<string, string | null>): void {
  const [, name = ''] = /\/probe\/([0-9a-f]{32})$/.exec(request.url ?? '') ?? [];
  const known = request.method === 'GET' && visits.has(name);
  const address = plainAddress(request.socket.remoteAddress ?? '');
  if (known) visits.set(name, address);
  const content = known ? JSON.stringify({ address }) : '';
  response.writeHead(known ? 200 : 404, {
    'content-type': 'application/json',
    'content-length': content.length,
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(content);
}
