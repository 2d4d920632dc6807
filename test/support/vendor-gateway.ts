import { createServer, type IncomingMessage } from 'node:http';
import { listen, type Peer } from './peers.ts';

/** What a vendor understood of one request's credential. */
export interface Understood {
  readonly session: string;
  readonly country: string | null;
  readonly state: string | null;
  readonly city: string | null;
  readonly asn: string | null;
  /** Minutes. */
  readonly ttl: number | null;
}

/** A vendor's gateway that speaks the user names of Oxylabs: it answers every request itself, with what it understood. */
export interface VendorGateway extends Peer {
  readonly address: string;
  /** All that was understood, in order; a user name that it doesn't know is a refusal and stands among `strangers`. */
  readonly understood: Understood[];
  readonly strangers: string[];
  /** Requests under way now, and the most that ever were at once. */
  readonly load: { now: number; most: number };
  /** When each request came, in ms of `performance.now()`. */
  readonly times: readonly number[];
  /** How long it takes over a request, in ms. */
  delayMs: number;
  /** Sessions that it refuses to serve. */
  readonly dead: Set<string>;
  /** Sessions whose requests it takes and never answers; `all` stands for every one. */
  readonly silent: Set<string>;
}

const grammar =
  /^customer-acme(?:-ASN-(?<asn>\d+))?(?:-cc-(?<country>[A-Z]{2}))?(?:-st-us_(?<state>[a-z_]+))?(?:-city-(?<city>[a-z_]+))?-sessid-(?<session>[a-z0-9]{10,16})(?:-sesstime-(?<ttl>\d{1,4}))?$/;

/** Starts one, with the account acme and the password secret. */
export async function startVendorGateway(): Promise<VendorGateway> {
  const understood: Understood[] = [];
  const strangers: string[] = [];
  const load = { now: 0, most: 0 };
  const times: number[] = [];
  const dead = new Set<string>();
  const silent = new Set<string>();
  const self = { delayMs: 0 };
  const server = createServer(async (request, response) => {
    times.push(performance.now());
    load.now += 1;
    load.most = Math.max(load.most, load.now);
    response.once('close', () => {
      load.now -= 1;
    });
    const told = understand(request);
    if (typeof told === 'string') {
      strangers.push(told);
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="vendor"', 'content-length': 0 }).end();
      return;
    }
    understood.push(told);
    if (self.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, self.delayMs));
    if (dead.has(told.session)) {
      request.socket.destroy();
      return;
    }
    if (silent.has(told.session) || silent.has('all')) return;
    const body = JSON.stringify(told);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
  const peer = await listen(server);
  return Object.assign(self, {
    ...peer,
    address: `127.0.0.1:${peer.port}`,
    understood,
    strangers,
    load,
    times,
    dead,
    silent,
  });
}

function understand({ headers }: IncomingMessage): Understood | string {
  const [, base64 = ''] = /^Basic (.*)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
  const login = Buffer.from(base64, 'base64').toString();
  const [username = '', password] = login.split(':');
  const { session, country, state, city, asn, ttl } = grammar.exec(username)?.groups ?? {};
  if (session === undefined || password !== 'secret') return login;
  return {
    session,
    country: country ?? null,
    state: state ?? null,
    city: city ?? null,
    asn: asn ?? null,
    ttl: ttl === undefined ? null : Number(ttl),
  };
}
