import { startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type FaultMode, type FaultProtocol, startFaultExit } from '../support/fault-exits.ts';
import { type Peer, reset } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';

/** Exits of fault-exits.ts, each in a pool of its own, named by `faultPool`. */
const faults: readonly [FaultProtocol, readonly FaultMode[]][] = [
  [
    'http',
    [
      ...(['refuse', 'blackhole', 'resetAtOnce', 'resetAfterRequest', 'finAfterRequest', 'garbage'] as const),
      ...(['truncatedHead', 'slowHead', 'page200', 'hugeHead', 'status-403', 'status-407', 'status-502'] as const),
    ],
  ],
  ['https', ['refuse', 'blackhole', 'resetInTls', 'resetAfterRequest', 'garbage', 'status-407']],
  [
    'socks5',
    [
      ...(['refuse', 'blackhole', 'resetAtOnce', 'resetAfterRequest', 'truncatedHead', 'slowHead', 'garbage'] as const),
      ...(['rep-1', 'rep-2', 'rep-3', 'rep-4', 'rep-5', 'rep-6', 'rep-7', 'rep-8'] as const),
    ],
  ],
];

/** HTTP exits that answer whatever is asked with 502 and one field that tells why; by the name of their pool. */
const tellers: Readonly<Record<string, string>> = {
  'status.dns.error': 'Proxy-Status: far.example; error=dns_error',
  'status.connection.refused': 'Proxy-Status: far.example; error=connection_refused',
  'status.unroutable': 'Proxy-Status: far.example; error=destination_ip_unroutable',
  'status.terminated': 'Proxy-Status: far.example; error=connection_terminated',
  'status.timeout': 'Proxy-Status: far.example; error=connection_timeout',
  'status.protocol': 'Proxy-Status: far.example; error=http_protocol_error',
  'status.denied': 'Proxy-Status: far.example; error=http_request_denied',
  'status.internal': 'Proxy-Status: far.example; error=proxy_internal_error',
  'squid.dns': 'X-Squid-Error: ERR_DNS_FAIL 0',
  'squid.refused': 'X-Squid-Error: ERR_CONNECT_FAIL 111',
  'squid.unreachable': 'X-Squid-Error: ERR_CONNECT_FAIL 113',
  'squid.reset': 'X-Squid-Error: ERR_CONNECT_FAIL 104',
  'squid.timeout': 'X-Squid-Error: ERR_CONNECT_FAIL 110',
  'squid.invalid': 'X-Squid-Error: ERR_INVALID_RESP 0',
  'squid.denied': 'X-Squid-Error: ERR_ACCESS_DENIED 0',
  'vendor.code': 'X-BRD-ERR-CODE: client_10100',
  'configured.dns': 'X-Vendor-Says: no such host',
};

/** What origins answer that no client may be shown; by their name. Each ends with FIN but for those that say otherwise. */
const badOrigins: Readonly<Record<string, string>> = {
  garbage: '\x00\xff\x13\x37 this is no HTTP\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'both framings': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'unasked 101': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n',
  'endless 1xx': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20),
  'huge head': `HTTP/1.1 200 OK\r\n${`X-Padding: ${'a'.repeat(1_000)}\r\n`.repeat(80)}\r\n`,
  'cut head': 'HTTP/1.1 200 OK\r\nContent-Le',
  'own 407': 'HTTP/1.1 407 Pay\r\nProxy-Authenticate: Basic realm="you"\r\nContent-Length: 0\r\n\r\n',
  silence: '',
};

/** The name of the pool with the exit that fails so. */
export const faultPool = (protocol: FaultProtocol, mode: FaultMode): string =>
  `${protocol}.${mode.toLowerCase().replace('-', '.')}`;

/** Peers, and pools by name that lead to them. */
export interface ErrorPeers {
  readonly pools: Record<string, { readonly exits: readonly object[] }>;
  /** Ports of the bad origins. */
  readonly origins: ReadonlyMap<string, number>;
  readonly ports: readonly number[];
  readonly turning: TurningExits;
  close(): Promise<void>;
}

/** The secret of exits that ask for one. No client may ever see it. */
export const exitSecret = 'an-exit-secret';

/** Starts every peer that errors.test.ts needs, but for the good origin and the name server. */
export async function startErrorPeers(): Promise<ErrorPeers> {
  const credential = { username: 'exit-user', password: exitSecret };
  const right = `exit-user:${exitSecret}`;
  const peers: Peer[] = [];
  const keep = <T extends Peer>(peer: T): T => {
    peers.push(peer);
    return peer;
  };
  const pools: ErrorPeers['pools'] = { direct: { exits: [{ direct: true }] } };
  const put = (name: string, ...exits: readonly object[]) => {
    pools[name] = { exits };
  };
  for (const [protocol, modes] of faults) {
    for (const mode of modes) {
      const exit = keep(await startFaultExit({ protocol, mode }));
      put(faultPool(protocol, mode), { url: `${protocol}://${right}@127.0.0.1:${exit.port}`, verify: false });
    }
  }
  for (const [name, field] of Object.entries(tellers)) {
    const reply = `HTTP/1.1 502 Bad Gateway\r\n${field}\r\nContent-Length: 4\r\n\r\nno.\n`;
    put(name, { url: `http://${right}@127.0.0.1:${keep(await startRawOrigin({ reply })).port}` });
  }
  const origins = new Map<string, number>();
  for (const [name, reply] of Object.entries(badOrigins)) {
    origins.set(name, keep(await startRawOrigin({ reply })).port);
  }
  origins.set('reset', keep(await startRawOrigin({ reply: '', end: 'reset' })).port);
  const closed = keep(await startFaultExit({ protocol: 'http', mode: 'refuse' }));
  origins.set('closed', closed.port);

  put('http', { url: keep(await startHttpExit()).url });
  const [http, https] = [keep(await startHttpExit(credential)), keep(await startHttpsExit())];
  put('http.wrong', { url: `http://exit-user:other@127.0.0.1:${http.port}` });
  put('https.untrusted', { url: https.url });
  const socks5 = keep(await startSocks5Exit(credential));
  put('socks5.wrong', { url: `socks5://exit-user:other@127.0.0.1:${socks5.port}` });
  put('socks5.nameless', { url: `socks5://127.0.0.1:${socks5.port}` });
  put('broadcast', { url: 'http://127.255.255.255:8080' });
  put('nowhere', { url: 'http://nowhere.test:8080' });
  put('unanswered', { url: 'http://unanswered.test:8080' });
  put('blackholes', ...(pools['http.blackhole']?.exits ?? []), ...(pools['socks5.blackhole']?.exits ?? []));
  const turning = await startTurningExits(keep);
  put('turning', ...turning.urls.map((url) => ({ url })));
  put('leaving', ...turning.urls.map((url) => ({ url })));
  const ports = peers.map(({ port }) => port);
  return { pools, origins, ports, turning, close: async () => void (await Promise.all(peers.map((p) => p.close()))) };
}

/** Two good HTTP exits, which answer themselves, until told that the one that served last is to fail. */
export interface TurningExits {
  readonly urls: readonly string[];
  failLast(): void;
  recover(): void;
}

async function startTurningExits(keep: <T extends Peer>(peer: T) => T): Promise<TurningExits> {
  let last = -1;
  let failing = -1;
  const start = async (number: number) => {
    const peer = await startRawOrigin((socket) => {
      socket.once('data', () => {
        if (failing === number) return reset(socket);
        last = number;
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n');
      });
    });
    return `http://127.0.0.1:${keep(peer).port}`;
  };
  return {
    urls: [await start(0), await start(1)],
    failLast: () => {
      failing = last;
    },
    recover: () => {
      failing = -1;
    },
  };
}
