import type { FaultMode, FaultProtocol } from '../support/fault-exits.ts';
import { faultPool } from './error-peers.ts';
import type { ErrorTable, Expected, Scene } from './error-scene.ts';

/** An exit that fails by itself. */
const exit = (protocol: FaultProtocol, mode: FaultMode, expect?: Expected): Scene => ({
  title: `${protocol} exit: ${mode}`,
  pool: faultPool(protocol, mode),
  expect,
});

const byPool = (title: string, pool: string, expect?: Expected): Scene => ({ title, pool, expect });

/** Exits that tell by a field of a 502. */
const tells = (...pools: readonly string[]): readonly Scene[] =>
  pools.map((pool) => byPool(`an exit tells ${pool}`, pool, { receivedStatus: 502 }));

/** An origin of error-peers.ts, dialled from here. */
const origin = (name: string, expect?: Expected): Scene => ({
  title: `an origin: ${name}`,
  ask: ({ peers }) => ({ target: { host: '127.0.0.1', port: peers.origins.get(name) ?? 0 } }),
  expect,
});

const named = (host: string, expect?: Expected): Scene => ({
  title: `the name ${host}`,
  ask: () => ({ target: { host, port: 80 } }),
  expect,
});

const lateName = { proxyStatus: 'dns_timeout' } as const;

/** A scene that is to end by silence, after so long. */
const within = (time: string, scene: Scene): Scene => ({ ...scene, parameters: `timeout-${time}` });

/** Of one row, what is the same for CONNECT and SOCKS5. */
const row = (forward: readonly Scene[], tunnel: readonly Scene[]) => ({ forward, connect: tunnel, socks5: tunnel });

const alike = (...scenes: readonly Scene[]) => row(scenes, scenes);

const lostSessions: readonly Scene[] = [
  {
    title: "a strict session's exit fails after a success",
    pool: 'turning',
    prepare: async ({ succeed, peers }, _, cell) => {
      await succeed(`pool-turning-session-failing.${cell}-strict-1`);
      peers.turning.failLast();
    },
    undo: ({ peers }) => peers.turning.recover(),
    ask: ({ gateway }, _, cell) => ({
      login: gateway.login('tester', `pool-turning-session-failing.${cell}-strict-1`),
    }),
  },
  {
    title: "a strict session's exit is gone after SIGHUP",
    pool: 'leaving',
    prepare: async ({ succeed, reload }, _, cell) => {
      await succeed(`pool-leaving-session-leaving.${cell}-strict-1`);
      await reload({ leaving: [{ direct: true }] });
    },
    undo: ({ reload, peers }) => reload({ leaving: peers.turning.urls.map((url) => ({ url })) }),
    ask: ({ gateway }, _, cell) => ({
      login: gateway.login('tester', `pool-leaving-session-leaving.${cell}-strict-1`),
    }),
    expect: { attempts: 0 },
  },
];

const failingExits: readonly Scene[] = [
  exit('http', 'resetAtOnce'),
  exit('http', 'resetAfterRequest'),
  exit('http', 'finAfterRequest'),
  exit('http', 'truncatedHead'),
  exit('https', 'resetAfterRequest'),
  exit('socks5', 'resetAtOnce'),
  exit('socks5', 'resetAfterRequest'),
  exit('socks5', 'truncatedHead'),
  exit('socks5', 'rep-1'),
  ...tells('status.internal'),
];

const rejectingExits: readonly Scene[] = [
  exit('http', 'garbage'),
  exit('http', 'hugeHead'),
  exit('https', 'garbage'),
  exit('socks5', 'garbage'),
  exit('socks5', 'rep-2'),
  exit('socks5', 'rep-7'),
  exit('socks5', 'rep-8'),
  ...tells('status.denied', 'squid.denied', 'vendor.code'),
];

/** Errors that an exit or the origin is to blame for. */
export const routeRows = {
  exit_failed: alike(...failingExits),
  exit_refused: alike(exit('http', 'refuse'), exit('https', 'refuse'), exit('socks5', 'refuse')),
  exit_unreachable: alike(byPool('an address without a route', 'broadcast')),
  exit_dns: alike(
    byPool('a name that does not exist', 'nowhere'),
    within('2s', byPool('a name that nobody answers for', 'unanswered', lateName)),
  ),
  exit_tls: alike(
    byPool('a certificate that nobody vouches for', 'https.untrusted', { proxyStatus: 'tls_certificate_error' }),
    exit('https', 'resetInTls'),
  ),
  exit_rejected: row(rejectingExits, [
    ...rejectingExits,
    exit('http', 'status-403', { receivedStatus: 403 }),
    exit('http', 'status-502', { receivedStatus: 502 }),
    exit('http', 'page200', { receivedStatus: 200 }),
  ]),
  exit_auth_failed: alike(
    exit('http', 'status-407', { receivedStatus: 407 }),
    exit('https', 'status-407', { receivedStatus: 407 }),
    byPool('a wrong credential at an HTTP exit', 'http.wrong', { receivedStatus: 407 }),
    byPool('a wrong credential at a SOCKS5 exit', 'socks5.wrong'),
    byPool('no credential at a SOCKS5 exit', 'socks5.nameless'),
  ),
  session_lost: alike(...lostSessions),
  origin_dns: alike(
    named('nowhere.test'),
    within('2s', named('unanswered.test', lateName)),
    ...tells('status.dns.error', 'squid.dns', 'configured.dns'),
  ),
  origin_refused: alike(
    origin('closed'),
    exit('socks5', 'rep-5'),
    ...tells('status.connection.refused', 'squid.refused'),
  ),
  origin_unreachable: alike(
    { title: 'no address of the family', parameters: 'ip-6' },
    exit('socks5', 'rep-3'),
    exit('socks5', 'rep-4'),
    ...tells('status.unroutable', 'squid.unreachable'),
  ),
  origin_reset: row(
    [origin('reset'), origin('silence'), ...tells('status.terminated', 'squid.reset')],
    tells('status.terminated', 'squid.reset'),
  ),
  origin_bad_response: row(
    [
      ...['garbage', 'two lengths', 'both framings', 'unasked 101', 'endless 1xx', 'huge head'].map((name) =>
        origin(name),
      ),
      origin('cut head', { proxyStatus: 'http_response_incomplete' }),
      origin('own 407', { receivedStatus: 407 }),
      ...tells('status.protocol', 'squid.invalid'),
    ],
    // In a tunnel the response is nobody's business; but an exit may tell so of itself.
    tells('status.protocol', 'squid.invalid'),
  ),
  exit_timeout: alike(
    within('2s', exit('http', 'blackhole')),
    within('2s', exit('https', 'blackhole')),
    within('2s', exit('socks5', 'blackhole')),
    within('2s', exit('http', 'slowHead')),
    within('2s', exit('socks5', 'slowHead')),
  ),
  origin_timeout: row(
    [
      // So long that the dial, which is told otherwise, has its time.
      within('4s', { title: 'no answer, dialled from here', ask: () => ({ path: '/hang' }) }),
      within('4s', {
        title: 'no answer, over an exit that has just worked',
        pool: 'http',
        prepare: ({ succeed }) => succeed('pool-http'),
        ask: () => ({ path: '/hang' }),
      }),
      exit('socks5', 'rep-6'),
      ...tells('status.timeout', 'squid.timeout'),
    ],
    [exit('socks5', 'rep-6'), ...tells('status.timeout', 'squid.timeout')],
  ),
  // Each has half of it: more than a thread is late.
  deadline: alike(within('8s', byPool('two black holes use up the time', 'blackholes', { attempts: 2 }))),
} satisfies Partial<ErrorTable>;
