import { basic, forwardVia, type Login } from '../support/clients.ts';
import { openFrom, type Question, socksRequest } from './error-clients.ts';
import type { ErrorTable, Scene } from './error-scene.ts';
import { failuresPerSource, type World } from './error-world.ts';

const later = 'belongs to a later issue: there are no quotas and no limits per client yet';
const noFault = 'only a fault of our own ends so, and no peer is known to cause one: see protocol/error-reply.test.ts';
const noHead = 'a SOCKS5 client sends no head';

/** An HTTP request in other words than the usual. */
const http =
  (line: string, fields: readonly string[] = [], content = '') =>
  ({ gateway }: World, { target, login }: Question): Partial<Question> => {
    const authority = `${target.host}:${target.port}`;
    const credential = `Proxy-Authorization: ${basic(login ?? gateway.login())}`;
    const lines = [line.replace('ORIGIN', authority), `Host: ${authority}`, credential, ...fields, '', ''];
    return { octets: lines.join('\r\n') + content };
  };

const to = (host: string, port = 80) => ({ target: { host, port } });
const withLogin = (change: (login: Login) => Login | null) => (world: World) => ({
  login: change(world.gateway.login()),
});
const withUsername = (suffix: string) =>
  withLogin(({ username, password }) => ({ username: `${username}-${suffix}`, password }));

const wrongSecret = withLogin(({ username }) => ({ username, password: 'wrong' }));
const wrongLogins: readonly Scene[] = [
  { title: 'a wrong secret', ask: wrongSecret },
  { title: 'an unknown client', ask: () => ({ login: { username: 'nobody', password: 'x' } }) },
];

const badParams: readonly Scene[] = [
  { title: 'an unknown parameter', ask: withUsername('colour-red') },
  { title: 'a parameter of a later version', ask: withUsername('maxkb-1') },
  { title: 'a pool that is not there', ask: withUsername('pool-nosuch') },
];

const forbiddenTargets: readonly Scene[] = [
  { title: 'a suffix that is denied', ask: () => to('www.denied.test') },
  { title: 'a closed port', ask: () => to('origin.example', 25) },
  { title: 'a host that browsers call by themselves', ask: () => to('update.googleapis.com') },
];

const forbiddenAddresses: readonly Scene[] = [
  { title: 'cloud metadata', ask: () => to('169.254.169.254') },
  { title: 'a local name, though the exit would resolve it', pool: 'http', ask: () => to('metadata') },
  { title: 'the admin listener', ask: ({ gateway }) => to('127.0.0.1', gateway.port('admin')) },
  { title: 'a name that leads to a closed range', ask: () => to('private.test'), expect: { attempts: 1 } },
];

const tooManyFailures = (socks5: boolean): Scene => ({
  title: 'more failed logins than a source has',
  ask: wrongSecret,
  prepare: async ({ gateway }, { source, port }) => {
    const login = { username: gateway.login().username, password: 'wrong' };
    for (let i = 0; i < failuresPerSource; i++) {
      const socket = await openFrom(source, port);
      await forwardVia(port, 'http://roundabout.internal/echo', { login, socket });
      socket.destroy();
    }
  },
  expect: socks5 ? { socks5: 'login' } : {},
});

const overload: readonly Scene[] = [
  { title: 'every connection is taken', prepare: (world) => world.fill(), undo: (world) => world.vacate() },
  {
    title: 'no descriptor is left for the dial',
    ask: (world) => ({ before: () => world.starve() }),
    undo: (world) => world.feed(),
    expect: { attempts: 1 },
  },
];

const noExits: readonly Scene[] = [
  { title: 'a pool without exits', pool: 'empty' },
  { title: 'no pool of the tier', ask: withUsername('tier-mobile') },
];

const noFittingExit: readonly Scene[] = [
  { title: 'no exit in the country', parameters: 'country-fr' },
  { title: 'an exit that is not there', parameters: 'exit-nosuch' },
];

const loops: readonly Scene[] = [
  { title: 'the target is our listener', ask: ({ gateway }) => to('127.0.0.1', gateway.port()) },
  { title: 'a known name of it', pool: 'http', ask: ({ gateway }) => to('localhost', gateway.port()) },
  {
    title: 'a name that resolves to it',
    ask: ({ gateway }) => to('self.test', gateway.port()),
    expect: { attempts: 1 },
  },
  { title: 'an HTTP exit that is our listener', pool: 'loop.http', expect: { by: 'exit' } },
  { title: 'a SOCKS5 exit that is our listener', pool: 'loop.socks5', expect: { by: 'exit' } },
  { title: 'an exit whose name resolves to it', pool: 'loop.name', expect: { by: 'exit' } },
];

const draining: readonly Scene[] = [
  {
    title: 'SIGTERM before the request',
    ask: (world) => ({ before: () => world.drain() }),
    expect: { closes: true },
  },
];

const longTarget = 'a'.repeat(20_000);
const fatHeads = (line: string): readonly Scene[] => [
  { title: 'a long field', ask: http(line, [`X-Long: ${'a'.repeat(40_000)}`]) },
  { title: 'a long head', ask: http(line, new Array(3).fill(`X-Long: ${'a'.repeat(30_000)}`)) },
  { title: 'many fields', ask: http(line, new Array(201).fill('X: y')) },
];

/** Errors that a client or this gateway is to blame for. */
export const clientRows = {
  auth_required: {
    forward: [
      { title: 'no credential', ask: () => ({ login: null }) },
      {
        title: 'another scheme',
        ask: (_, { target: { port } }) => ({
          octets: `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Bearer abc\r\n\r\n`,
        }),
      },
    ],
    connect: [{ title: 'no credential', ask: () => ({ login: null }) }],
    socks5: [
      { title: 'method 0 alone', ask: () => ({ methods: [0] }), expect: { socks5: 'greeting' } },
      { title: 'GSSAPI alone', ask: () => ({ methods: [1] }), expect: { socks5: 'greeting' } },
    ],
  },
  auth_failed: {
    forward: [
      ...wrongLogins,
      { title: 'two credentials', ask: http('GET http://ORIGIN/ HTTP/1.1', ['Proxy-Authorization: Basic YTpi']) },
    ],
    connect: wrongLogins,
    socks5: wrongLogins.map((scene) => ({ ...scene, expect: { socks5: 'login' } as const })),
  },
  bad_request: {
    forward: [
      { title: 'origin form', ask: http('GET / HTTP/1.1') },
      {
        title: 'two framings',
        ask: http('POST http://ORIGIN/ HTTP/1.1', ['Content-Length: 1', 'Transfer-Encoding: chunked']),
      },
      { title: 'https: in place of CONNECT', ask: http('GET https://ORIGIN/ HTTP/1.1') },
      {
        title: 'an unknown expectation',
        ask: http('GET http://ORIGIN/ HTTP/1.1', ['Expect: tea']),
        expect: { status: 417 },
      },
      {
        title: 'a chunk that is none, once the exit is dialled',
        ask: http('POST http://ORIGIN/echo HTTP/1.1', ['Transfer-Encoding: chunked'], 'zz\r\n'),
        expect: { attempts: 1 },
      },
    ],
    connect: [
      { title: 'no port', ask: http('CONNECT 127.0.0.1 HTTP/1.1') },
      { title: 'content', ask: http('CONNECT ORIGIN HTTP/1.1', ['Content-Length: 1'], 'x') },
    ],
    socks5: [
      { title: 'port 0', ask: () => to('127.0.0.1', 0) },
      { title: 'a name with NUL', ask: () => to('ori\0gin.example') },
      { title: 'RSV that is not 0', ask: () => ({ octets: Buffer.from([5, 1, 7]) }), expect: { socks5: 'closed' } },
    ],
  },
  bad_param: { forward: badParams, connect: badParams, socks5: badParams },
  target_forbidden: { forward: forbiddenTargets, connect: forbiddenTargets, socks5: forbiddenTargets },
  target_ip_forbidden: { forward: forbiddenAddresses, connect: forbiddenAddresses, socks5: forbiddenAddresses },
  rate_limited: {
    forward: [tooManyFailures(false)],
    connect: [tooManyFailures(false)],
    socks5: [tooManyFailures(true)],
  },
  too_many_connections: { forward: later, connect: later, socks5: later },
  overloaded: { forward: overload, connect: overload, socks5: overload },
  client_timeout: {
    forward: [
      { title: 'half a head', hasty: true, ask: () => ({ octets: 'GET http://127.0.0.1/ HTTP/1.1\r\nHost:' }) },
      {
        title: 'half of the content',
        hasty: true,
        ask: http('POST http://ORIGIN/echo HTTP/1.1', ['Content-Length: 10'], 'half.'),
        expect: { attempts: 1 },
      },
    ],
    connect: [
      { title: 'half a head', hasty: true, ask: () => ({ octets: 'CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost:' }) },
    ],
    socks5: [
      {
        title: 'half a request',
        hasty: true,
        ask: () => ({ octets: Buffer.from([5, 1]) }),
        expect: { socks5: 'closed' },
      },
    ],
  },
  head_too_large: {
    forward: [
      ...fatHeads('GET http://ORIGIN/ HTTP/1.1'),
      { title: 'a long target', ask: http(`GET http://ORIGIN/${longTarget} HTTP/1.1`), expect: { status: 414 } },
    ],
    connect: [
      ...fatHeads('CONNECT ORIGIN HTTP/1.1'),
      { title: 'a long target', ask: http(`CONNECT ${longTarget}:443 HTTP/1.1`), expect: { status: 414 } },
    ],
    socks5: noHead,
  },
  not_supported: {
    forward: [
      { title: 'TRACE', ask: http('TRACE http://ORIGIN/ HTTP/1.1') },
      { title: 'TRACE in other letters', ask: http('Trace http://ORIGIN/ HTTP/1.1') },
      { title: 'HTTP/2.0', ask: http('GET http://ORIGIN/ HTTP/2.0'), expect: { status: 505, closes: true } },
      {
        title: 'another transfer coding',
        ask: http('POST http://ORIGIN/ HTTP/1.1', ['Transfer-Encoding: gzip, chunked']),
        expect: { closes: true },
      },
    ],
    connect: [{ title: 'HTTP/2.0', ask: http('CONNECT ORIGIN HTTP/2.0'), expect: { status: 505, closes: true } }],
    socks5: [
      { title: 'BIND', ask: (_, { target }) => ({ octets: socksRequest(2, target) }) },
      { title: 'UDP ASSOCIATE', ask: (_, { target }) => ({ octets: socksRequest(3, target) }) },
      {
        title: 'an address type that is none',
        ask: () => ({ octets: Buffer.from([5, 1, 0, 2, 127, 0, 0, 1, 0, 80]) }),
        expect: { socks5: 0x08 },
      },
    ],
  },
  quota_exceeded: { forward: later, connect: later, socks5: later },
  no_exit: { forward: noExits, connect: noExits, socks5: noExits },
  no_exit_for_target: { forward: noFittingExit, connect: noFittingExit, socks5: noFittingExit },
  loop: { forward: loops, connect: loops, socks5: loops },
  draining: { forward: draining, connect: draining, socks5: draining },
  internal: { forward: noFault, connect: noFault, socks5: noFault },
} satisfies Partial<ErrorTable>;
