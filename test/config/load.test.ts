import { join, resolve } from 'node:path';
import test from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { type LoadOptions, loadConfig, projectFolder } from '../../src/config/load.ts';

/** A project of files in memory; `main` is its config. */
function load(main: string, files: Record<string, string> = {}, options: Partial<LoadOptions> = {}) {
  const texts = new Map(
    Object.entries({ 'config/main.yaml': main, ...files }).map(([path, text]) => [resolve(path), text]),
  );
  const readText = (path: string) => {
    const text = texts.get(resolve(path));
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return text;
  };
  return loadConfig('config/main.yaml', { env: {}, readText, ...options });
}

function configOf(...args: Parameters<typeof load>) {
  const result = load(...args);
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  return result.config;
}

function faultsOf(...args: Parameters<typeof load>): string[] {
  const result = load(...args);
  return result.ok ? [] : result.faults.map((fault) => formatFault(fault).replace('config/main.yaml:', ''));
}

test('an empty file is the default configuration', (t) => {
  const config = configOf('');
  t.deepEqual(
    config.listeners.map(({ name, host, port, protocols }) => [name, host, port, protocols.join()]),
    [
      ['mixed', '127.0.0.1', 8080, 'http,https,socks5'],
      ['tls', '127.0.0.1', 8443, 'https'],
      ['socks', '127.0.0.1', 1080, 'socks5'],
    ],
  );
  t.deepEqual(config.admin, { host: '127.0.0.1', port: 9090 });
  t.deepEqual(config.rules, { allow: [], deny: [], browserHosts: 'deny' });
  t.deepEqual(config.heads, { headBytes: 65_536, startLineBytes: 16_384, fieldLineBytes: 32_768, fieldCount: 200 });
  t.is(config.defaultPool, null);
  t.is(config.timeouts.exchange, 86_400_000);
  t.is(config.folder, resolve('.'));
  t.is(config.pools, resolve('pools'));
  t.is(config.data, resolve('data'));
});

test('a configuration is frozen through and through', (t) => {
  const check = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(check));
  t.true(check(configOf('rules: { allow: [{ cidr: 10.0.0.0/8, port: 80 }] }')));
});

test('faults of the probe page and of databases stand at their places', (t) => {
  const faults = faultsOf(`
probe: { host: "not a host", port: 70000, publicUrl: "https://probe.example/", zone: Mars/Base, every: 1m }
geo: { mmdb: country.mmdb, asn: x }
`);
  for (const start of [
    '2:16 probe.host',
    '2:36 probe.port',
    '2:54 probe.publicUrl',
    '2:86 probe.zone',
    '2:97 probe.every',
  ])
    t.true(
      faults.some((fault) => fault.startsWith(start)),
      `${start} in ${faults.join('\n')}`,
    );
  t.true(faults.some((fault) => /^3:14 geo\.mmdb /.test(fault)));
  t.true(faults.some((fault) => /^3:28 geo\.asn /.test(fault)));
  t.is(faults.length, 7);
  t.regex(faults.join('\n'), /publicUrl expected a URL of http, not https, .* such as http:/);
  for (const url of ['http://', 'http://a/?x=1', 'handshake', 'socks5://a:1', 'http://u:p@a/'])
    t.is(faultsOf(`probe: { publicUrl: "${url}" }`).length, 1, url);
  t.is(
    configOf('probe: { publicUrl: "http://203.0.113.5:8099/behind/" }').probe.publicUrl,
    'http://203.0.113.5:8099/behind',
  );
});

test('all faults are told, however many and of whatever kind', (t) => {
  const wrong = Array.from({ length: 50 }, (_, i) => `wrong${i}: 1`).join('\n');
  t.is(faultsOf(wrong).length, 50);
  const [publicUrl, memory] = ['probe: { publicUrl: 1 }', 'limits: { memory: [1] }'];
  t.is(faultsOf([wrong, publicUrl, memory, 'timeouts: { head: 5 }'].join('\n')).length, 53);
});

test('units, ranges and hosts are decoded', (t) => {
  const config = configOf(`
listeners: [{ name: a, host: "::1", port: 0, protocols: [http], client: acme, dialects: [oxylabs], via: on }]
rules:
  allow: [{ cidr: 127.0.0.1, port: 8000-9000, pool: demo }]
  deny: [{ suffix: .Update.Example.COM. }, { port: 25 }, { host: ExAmPle.com }, { port: "80" }]
timeouts: { head: 250ms, drain: 0s }
limits: { memory: 1GiB, logins: { window: 10m } }
heads: { bytes: 32768, startLine: 8KiB }
exchange: { attempts: 1, keptContent: 0 }
workers: 4
accessLog: { file: logs/a.log }
resolver: { servers: [192.0.2.53, "192.0.2.53:5353", "[2001:db8::53]:5353", "2001:db8::53"] }
exitErrors: [{ field: X-Vendor-Error, kind: origin_dns, match: no such host }]
`);
  t.like(config.listeners[0], {
    host: '::1',
    port: 0,
    client: 'acme',
    via: 'on',
    replyFields: 'on',
    certificate: 'auto',
  });
  t.deepEqual(config.rules.allow, [{ cidr: '127.0.0.1/32', port: { from: 8000, to: 9000 }, pool: 'demo' }]);
  t.deepEqual(config.rules.deny, [
    { suffix: 'update.example.com' },
    { port: { from: 25, to: 25 } },
    { host: 'example.com' },
    { port: { from: 80, to: 80 } },
  ]);
  t.like(config.timeouts, { head: 250, drain: 0 });
  t.deepEqual(config.limits, {
    connections: 10_000,
    logins: { perSource: 20, perName: 20, windowMs: 600_000 },
    reports: { perClient: 6_000, windowMs: 60_000 },
    overload: { delayMs: 250, afterMs: 1_000 },
    memoryBytes: 1024 ** 3,
  });
  t.like(config.heads, { headBytes: 32_768, startLineBytes: 8192 });
  t.is(config.exchange.keptContentBytes, 0);
  t.is(config.workers, 4);
  t.is(config.accessLog.file, resolve('logs/a.log'));
  t.is(config.resolver.servers.length, 4);
});

test('paths are relative to the project folder; the override of data to the working folder', (t) => {
  t.is(projectFolder('/srv/gate/config/main.yaml'), '/srv/gate');
  t.is(projectFolder('/srv/gate/main.yaml'), '/srv/gate');
  t.is(configOf('data: ../elsewhere').data, resolve('..', 'elsewhere'));
  t.is(configOf('data: /var/lib/x').data, '/var/lib/x');
  t.is(configOf('data: /var/lib/x', {}, { dataOverride: 'mine' }).data, resolve('mine'));
});

for (const [title, yaml, faults] of [
  ['unknown key, close to one', 'listner: []', ['1:1 listner unknown key: did you mean "listeners"?']],
  ['unknown key in a section', 'timeouts:\n  hed: 1s', ['2:3 timeouts.hed unknown key: did you mean "head"?']],
  ['unknown key like nothing', 'admin: { user: x }', ['1:10 admin.user unknown key; known are host, port']],
  ['prototype names', '__proto__: 1', [/^1:1 __proto__ unknown key; known are secrets, /]],
  ['not a mapping', '- 1', ['1:1 expected a mapping, found a list']],
  ['nothing where a section belongs', 'timeouts:', ['1:10 timeouts expected a mapping, found nothing']],
  ['a text for a list', 'listeners: all', ['1:12 listeners expected a list, found a text']],
  ['no listener', 'listeners: []', ['1:12 listeners at least one listener is needed']],
  [
    'missing keys',
    'listeners:\n  - host: localhost',
    ['2:5 listeners[0].name is missing', '2:5 listeners[0].port is missing', '2:5 listeners[0].protocols is missing'],
  ],
  ['port', 'admin: { port: 65536 }', ['1:16 admin.port expected a whole number from 0 to 65535']],
  ['port as a text', 'admin:\n  port: http', ['2:9 admin.port expected a whole number from 0 to 65535, found a text']],
  ['half a port', 'admin: { port: 80.5 }', ['1:16 admin.port expected a whole number from 0 to 65535, found a number']],
  ['host', 'admin: { host: "a b" }', ['1:16 admin.host the host is neither a name nor an address']],
  ['host as a URL', 'admin: { host: "http://a" }', [/^1:16 admin.host /]],
  ['duration without unit', 'timeouts: { head: 15 }', [/head expected a duration such as .* found a number$/]],
  ['duration', 'timeouts: { head: 15d }', [/^1:19 timeouts.head expected a duration .*\(units: ms, s, m, h\)$/]],
  ['duration beyond timers', 'timeouts: { exchange: 1000h }', [/, at most 596h$/]],
  ['no timeout is off', 'timeouts: { head: 0s }', ['1:19 timeouts.head expected at least 1ms']],
  ['size', 'heads: { bytes: 64K }', ['1:17 heads.bytes expected a size such as 64KiB or 2MB, from 1KiB to 1MiB']],
  ['size out of bounds', 'heads: { bytes: 2MiB }', [/^1:17 heads.bytes expected a size .* from 1KiB to 1MiB$/]],
  ['one of several', 'rules: { browserHosts: no }', ['1:24 rules.browserHosts expected deny or allow']],
  ['workers', 'workers: many', ['1:10 workers expected auto, or a whole number from 1 to 256']],
  ['a flag', 'accessLog: { paths: yes }', ['1:21 accessLog.paths expected true or false, found a text']],
  [
    'a rule of nothing',
    'rules: { allow: [{ pool: x }] }',
    [/allow\[0\] expected at least one of cidr, host, suffix, port$/],
  ],
  ['cidr', 'rules:\n  deny:\n    - cidr: 10/8', [/^3:13 rules.deny\[0\].cidr expected a range such as/]],
  ['cidr with bits', 'rules: { deny: [{ cidr: 10.1.0.0/8 }] }', [/write 10.0.0.0\/8$/]],
  ['port range', 'rules: { deny: [{ port: 9-8 }] }', [/port expected a port, or a range such as 8000-9000$/]],
  ['port range of three', 'rules: { deny: [{ port: 1-2-3 }] }', [/port expected a port/]],
  ['suffix', 'rules: { deny: [{ suffix: 10.0.0.1 }] }', [/suffix expected a domain name$/]],
  ['pool name', 'defaultPool: My-Pool', ['1:14 defaultPool expected the name of a pool, or null']],
  [
    'quotas',
    'limits:\n  quotas:\n    - bytes=0GB/day\n    - requests=5/decade\n    - bytes=1GB/day zone=Mars/Phobos',
    [/^3:7 limits.quotas\[0\] bytes: a quota of nothing/, /^4:7 .*expected a period: hour, day/, /^5:7 .*time zone/],
  ],
  ['limits unknown', 'limits: { connection: 5 }', ['1:11 limits.connection unknown key: did you mean "connections"?']],
  ['name server', 'resolver: { servers: [dns.example] }', [/^1:23 resolver.servers\[0\] expected address/]],
  ['exit error kind', 'exitErrors: [{ field: X, kind: auth_failed }]', [/kind expected an exit_… or origin_… kind$/]],
  [
    'exit error field',
    'exitErrors: [{ field: "X Y", kind: exit_dns }]',
    [/field expected the name of a response field$/],
  ],
  [
    'dialect',
    'listeners: [{ name: a, port: 1, protocols: [http], dialects: [acme] }]',
    [/dialects\[0\] expected one of/],
  ],
  [
    'certificate',
    'listeners: [{ name: a, port: 1, protocols: [https], certificate: { cert: x } }]',
    [/certificate expected auto, or \{ cert: FILE, key: FILE \}$/],
  ],
  ['syntax', 'a: [\n', [/^(?:1:4|2:1) /]],
] as const) {
  test(`fault: ${title}`, (t) => {
    const found = faultsOf(yaml);
    t.is(found.length, faults.length, found.join('\n'));
    for (const [i, fault] of faults.entries()) {
      if (typeof fault === 'string') t.is(found[i], fault);
      else t.regex(found[i]!, fault);
    }
  });
}

test('all faults of a file come in one report, in its order', (t) => {
  const faults = faultsOf('data: \u0024{GONE}\nworkers: 0\ndata: x\nrules: { alow: [] }\ntimeouts: { dial: soon }\n');
  t.deepEqual(
    faults.map((fault) => fault.split(' ', 2).join(' ')),
    ['1:7 data', '2:10 workers', '3:1 this', '4:10 rules.alow', '5:19 timeouts.dial'],
  );
});

test('a file that cannot be read is a fault', (t) => {
  const result = loadConfig(join('nowhere', 'main.yaml'), { env: {} });
  t.false(result.ok);
  t.deepEqual(!result.ok && result.faults.map(formatFault), ['nowhere/main.yaml:1:1 cannot be read (ENOENT)']);
});

test('variables come from the environment and the secrets file, and are handed on for the pools', (t) => {
  const yaml = 'secrets: ./secrets.env\ndata: /var/\u0024{NAME}\nadmin: { port: "\u0024{PORT}" }\n';
  const result = load(yaml, { 'secrets.env': 'NAME=gate\n' }, { env: { PORT: '9191' } });
  t.true(result.ok);
  if (!result.ok) return;
  t.is(result.config.data, '/var/gate');
  t.is(result.config.admin.port, 9191);
  t.is(result.variables.secrets?.get('NAME'), 'gate');
  t.false(JSON.stringify(result.config).includes('secrets.env'));
});

test('digits of a variable are a number where one may stand, and a text where only that fits', (t) => {
  const yaml = 'listeners: [{ name: "\u0024{N}", port: "\u0024{N}", protocols: [http] }]\ndefaultPool: "\u0024{N}"\n';
  const result = load(yaml, {}, { env: { N: '8080' } });
  t.true(result.ok);
  if (!result.ok) return;
  t.like(result.config.listeners[0], { name: '8080', port: 8080 });
  t.is(result.config.defaultPool, '8080');
  const wrong = yaml.replace('port: "\u0024{N}"', 'port: "\u0024{FAR}"').replace('http]', 'gopher]');
  t.deepEqual(faultsOf(wrong, {}, { env: { N: '8080', FAR: '99999' } }), [
    '1:35 listeners[0].port expected a whole number from 0 to 65535',
    '1:57 listeners[0].protocols[0] expected one of http, https, socks5',
  ]);
});

test('a folder that a variable names by digits is known beside faults of other places', (t) => {
  const yaml = 'data: "\u0024{N}"\npools: "\u0024{N}"\nworkers: 0\n';
  const result = load(yaml, {}, { env: { N: '12' } });
  t.false(result.ok);
  if (result.ok) return;
  t.is(result.data, resolve('12'));
  t.like(result.places, { data: resolve('12'), pools: resolve('12') });
});

test('faults of variables stand at their place, and no value is shown', (t) => {
  const yaml =
    'secrets: ./secrets.env\ndata: \u0024{GONE}\nworkers: \u0024{PASSWORD}\nadmin: { host: "\u0024{PASSWORD}" }\n';
  const faults = faultsOf(yaml, { 'secrets.env': 'PASSWORD=hun ter2\nhun ter2\n' });
  t.deepEqual(faults, [
    `${resolve('secrets.env')}:2:1 expected KEY=VALUE`,
    '2:7 data \u0024{GONE} is neither in the environment nor in the secrets file',
    '3:10 workers expected auto, or a whole number from 1 to 256',
    '4:16 admin.host the host is neither a name nor an address',
  ]);
  t.false(faults.join().includes('ter2'));
});

test('a secrets file that cannot be read is a fault', (t) => {
  t.deepEqual(faultsOf('\nsecrets: gone.env'), ['2:10 secrets gone.env cannot be read (ENOENT)']);
});

test('limits that make no sense are refused with their place', (t) => {
  const text = [
    'limits:',
    '  clients:',
    '    - requests=10/s',
    '    - requests=10/s burst=0',
    '  sites: [requests=5/0s]',
  ].join('\n');
  const result = loadConfig('/project/roundabout.yaml', { env: {}, readText: () => text });
  t.false(result.ok);
  if (result.ok) return;
  t.deepEqual(
    result.faults.map(({ line, column, path, message }) => [line, column, path, message]),
    [
      [4, 7, 'limits.clients[1]', 'burst: expected a whole number from 1 to 1000000'],
      [5, 11, 'limits.sites[0]', 'requests: the window is at least 1ms'],
    ],
  );
});
