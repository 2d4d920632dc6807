import { execFileSync } from 'node:child_process';
import test from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { readPoolFile } from '../../src/config/pool-file.ts';
import { YamlFile } from '../../src/config/yaml-file.ts';
import { PoolCatalogue } from '../../src/pool/catalogue.ts';
import { type BuildOptions, demoCountsOf, poolSources } from '../../src/pool/pool-builder.ts';
import type { PoolFile } from '../../src/pool/pool-file.ts';
import { PoolRegistry } from '../../src/pool/registry.ts';

/** What the configuration reads is what pools are built from. */
function fileOf(text: string, file = '/gate/pools/p.yaml'): PoolFile {
  const reading = readPoolFile(new YamlFile(file, text));
  if (!reading.ok) throw new Error(reading.faults.map(formatFault).join('\n'));
  return reading.pool;
}

function build(
  exits: string,
  { files = {}, ...options }: Partial<BuildOptions> & { files?: Record<string, string> } = {},
) {
  const readText = (path: string) => {
    const text = new Map(Object.entries(files)).get(path);
    if (text === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return text;
  };
  return buildAll([fileOf(`pool: p\ncountry: us\nexits:\n${exits}`)], { readText, projectFolder: '/gate', ...options });
}

/** All exits of these files, whether or not they have faults. */
function buildAll(files: PoolFile[], options: BuildOptions) {
  const catalogue = new PoolCatalogue();
  const staged = catalogue.stage(poolSources(files, options));
  const registry = new PoolRegistry(catalogue.commit(staged).record);
  const exits = Array.from({ length: registry.slotCount }, (_, slot) => registry.exitAt(slot)!);
  const faults = staged.faults.map((fault) => formatFault(fault).replace('/gate/pools/p.yaml:', ''));
  return { exits, faults, duplicates: staged.duplicates };
}

const idOf = (exits: string) => build(exits).exits[0]!.id;

test('a URL is an exit with all its terms', (t) => {
  const { exits, faults } = build(
    '  - { url: "https://u:p%20w@h.example:8443", country: de, dns: local, verify: false, name: n, ip: 6 }',
  );
  t.deepEqual(faults, []);
  const { id, ...exit } = exits[0]!;
  t.regex(id, /^[a-z2-7]{10}$/);
  t.deepEqual(exit, {
    pool: 'p',
    tier: 'dc',
    name: 'n',
    endpoint: { scheme: 'https', host: 'h.example', port: 8443, username: 'u', password: 'p w' },
    verifyTls: false,
    ca: null,
    dns: 'local',
    ip: 6,
    geo: { country: 'de' },
    minted: false,
    life: null,
    rotation: null,
    mint: null,
  });
  t.true(Object.isFrozen(exits[0]));
});

test('an id depends on pool, scheme, host, port and user, and on nothing else', (t) => {
  const id = idOf('  - url: http://u:p@h:1');
  t.is(idOf('  - url: http://u:other@H:1'), id);
  t.is(idOf('  - { url: "http://u:p@h:1", country: de, name: x, verify: false }'), id);
  const others = ['http://v:p@h:1', 'http://u:p@i:1', 'http://u:p@h:2', 'https://u:p@h:1', 'http://h:1'];
  t.is(new Set([id, ...others.map((url) => idOf(`  - url: ${url}`))]).size, 6);
});

test('a list that breaks off while it is read is a fault at its key', (t) => {
  function* broken() {
    yield 'a:1\n';
    throw Object.assign(new Error('broken'), { code: 'EIO' });
  }
  t.deepEqual(build('  - list: l.txt', { readChunks: broken }).faults, [
    '4:11 exits[0].list l.txt cannot be read (EIO)',
  ]);
});

test('exits that differ by password alone are exits of their own; the same twice is one', (t) => {
  const lines = ['h:1:u:a', 'h:1:u:b', 'h:1:u:a'].join('\n');
  const { exits, duplicates } = build('  - list: l.txt\n  - url: http://u:a@h:1\n  - url: http://u:c@h:1', {
    files: { '/gate/pools/l.txt': lines },
  });
  t.deepEqual(
    exits.map(({ endpoint }) => endpoint.password),
    ['a', 'b', 'c'],
  );
  t.is(new Set(exits.map(({ id }) => id)).size, 3);
  t.is(duplicates, 2);
  t.is(exits[0]!.id, idOf('  - url: http://u:whatever@h:1'));
});

test('socks4 and direct resolve here; others unless told otherwise do not', (t) => {
  const { exits } = build('  - url: socks4://h:1\n  - url: socks4a://h:1\n  - url: socks5://h:1\n  - direct: true');
  t.deepEqual(
    exits.map(({ dns }) => dns),
    ['local', 'remote', 'remote', 'local'],
  );
  t.like(exits[3]?.endpoint, { scheme: 'direct', host: '', port: 0 });
});

test('a list is looked for beside the pool file, then in the project folder', (t) => {
  const near = build('  - { list: l.txt, scheme: socks5 }', {
    files: { '/gate/pools/l.txt': 'a:1', '/gate/l.txt': 'b:1' },
  });
  t.like(near.exits[0]?.endpoint, { scheme: 'socks5', host: 'a' });
  t.is(build('  - list: lists/l.txt', { files: { '/gate/lists/l.txt': 'b:1' } }).exits[0]?.endpoint.host, 'b');
  t.is(build('  - list: /abs/l.txt', { files: { '/abs/l.txt': 'c:1' } }).exits[0]?.endpoint.host, 'c');
});

test('faults of a list stand at its lines, so many and no more, and show none of them', (t) => {
  const files = { '/gate/pools/l.txt': `a:1\n${'hunter2\n'.repeat(50)}` };
  const { faults } = build('  - list: l.txt', { files });
  t.is(faults.length, 21);
  t.regex(faults[0]!, /^\/gate\/pools\/l.txt:2:1 expected a URL, host:port/);
  t.is(faults[20], '4:11 exits[0].list 30 more lines of l.txt are no exit');
  t.false(faults.join().includes('hunter2'));
});

test('a template with slots mints that many exits per country, the same at every start', (t) => {
  const entry = '  - { template: "http://c-{country}-{session}:p@h:1", countries: [us, DE], slots: 3 }';
  const { exits } = build(entry);
  t.is(exits.length, 6);
  t.is(new Set(exits.map(({ id }) => id)).size, 6);
  t.deepEqual(
    exits.map(({ geo }) => geo.country),
    ['us', 'us', 'us', 'de', 'de', 'de'],
  );
  t.true(
    exits.every(
      ({ minted, mint, endpoint }) => minted && mint === null && /^c-(?:us|DE)-[a-z2-7]{16}$/.test(endpoint.username!),
    ),
  );
  t.deepEqual(build(entry).exits, exits);
  t.is(new Set(exits.map(({ endpoint }) => endpoint.username)).size, 6);
  const more = build(entry.replace('slots: 3', 'slots: 4').replace(':p@', ':new@')).exits.map(({ id }) => id);
  t.true(exits.every(({ id }) => more.includes(id)));
});

test('a session in the password makes exits of their own as well', (t) => {
  const { exits } = build('  - { template: "http://acme:p_session-{session}@h:1", slots: 5 }');
  t.is(new Set(exits.map(({ id }) => id)).size, 5);
  t.is(new Set(exits.map(({ endpoint }) => endpoint.password)).size, 5);
});

test('a template without slots is one exit per country, which mints', (t) => {
  const { exits } = build('  - { template: "http://c-{country}-{session}:p@h:1", countries: [us, de] }');
  t.is(exits.length, 2);
  const { mint, endpoint, minted } = exits[1]!;
  t.true(minted);
  t.regex(mint!.mint('s1', {}).endpoint.username!, /^c-de-[a-z2-7]{16}$/);
  t.not(mint!.mint('s1', {}).endpoint.username, endpoint.username);
  t.like(mint!.mint('s1', {}).endpoint, { host: 'h', port: 1, password: 'p' });
  t.like(build('  - { template: "http://c-{country}:p@h:1", countries: [us] }').exits[0], {
    minted: false,
    mint: null,
  });
});

test('demo entries are what the demo gives, and empty without it', (t) => {
  const demo = [{ url: 'https://u:p@127.0.0.1:4000', country: 'DE', label: 'demo-1', ca: 'PEM' }];
  t.like(build('  - demo: { http: 1 }', { demo }).exits[0], { name: 'demo-1', ca: 'PEM', geo: { country: 'de' } });
  t.deepEqual(build('  - demo: { http: 1 }').exits, []);
  const file = fileOf('pool: p\nexits: [{ demo: { http: 1, socks5: 2 } }, { demo: { http: 3 } }]');
  t.deepEqual(demoCountsOf([file]), { http: 4, https: 0, socks5: 2 });
  t.is(demoCountsOf([fileOf('pool: p\nexits: []')]), null);
});

test('a demo exit keeps its id at another port, and has another one than its siblings', (t) => {
  const idsAt = (first: number) => {
    const demo = ['de-http-1', 'us-http-2'].map((label, index) => {
      return { url: `http://u:${first}@127.0.0.1:${first + index}`, label };
    });
    return build('  - demo: { http: 2 }\n  - demo: { http: 2 }', { demo }).exits.map(({ id }) => id);
  };
  t.deepEqual(idsAt(4000), idsAt(5001));
  t.is(new Set(idsAt(4000)).size, 2);
});

for (const [title, entry, fault] of [
  ['no URL', '{ url: hunter2 }', '4:12 exits[0].url an exit is written scheme://host:port'],
  [
    'a port out of range',
    '{ url: "http://u:hunter2@h:0" }',
    '4:12 exits[0].url the port must be a number from 1 to 65535',
  ],
  ['direct as a URL', '{ url: direct }', '4:12 exits[0].url write a way out without a proxy as "direct: true"'],
  ['names for socks4', '{ url: "socks4://h:1", dns: remote }', /^4:33 exits\[0\].dns a socks4 exit takes no names/],
  ['a list that is gone', '{ list: gone.txt }', '4:13 exits[0].list gone.txt cannot be read (ENOENT)'],
  [
    'a certificate that is gone',
    '{ url: "https://h", ca: gone.pem }',
    '4:29 exits[0].ca gone.pem cannot be read (ENOENT)',
  ],
  [
    'a certificate that is none',
    '{ url: "https://h", ca: x.pem }',
    '4:29 exits[0].ca x.pem holds no certificate in PEM',
  ],
  [
    '{city} without cities',
    '{ template: "http://{city}-{session}:hunter2@h:1" }',
    '4:17 exits[0].template {city} needs what to put there: add "cities"',
  ],
  [
    'countries without {country}',
    '{ template: "http://{session}:hunter2@h:1", countries: [us, de] }',
    '4:60 exits[0].countries several countries need {country} in the template',
  ],
  [
    'slots without {session}',
    '{ template: "http://u:hunter2@h:1", slots: 2 }',
    '4:48 exits[0].slots several slots need {session} in the template',
  ],
  [
    'more slots than ports',
    '{ template: "http://u:hunter2@h:{port:1-9}", slots: 10 }',
    '4:57 exits[0].slots its ports tell 9 exits apart',
  ],
  [
    'two lists of several',
    '{ template: "http://{city}-{country}-{session}:hunter2@h:1", countries: [us, de], cities: [a, b] }',
    /^4:95 exits\[0\].cities only one of countries and cities can list several/,
  ],
  [
    'a duration without its place',
    '{ template: "http://{session}:hunter2@h:1", ttl: 10m }',
    '4:54 exits[0].ttl "ttl" needs {ttl} in the template',
  ],
  [
    'a vendor that nobody knows',
    '{ vendor: nobody, username: u, password: hunter2 }',
    '4:15 exits[0].vendor no such vendor; known are none',
  ],
] as const) {
  test(`fault: ${title}`, (t) => {
    const { faults } = build(`  - ${entry}`, { files: { '/gate/pools/x.pem': 'no PEM' } });
    t.is(faults.length, 1, faults.join('\n'));
    if (typeof fault === 'string') t.is(faults[0], fault);
    else t.regex(faults[0]!, fault);
    t.false(faults.join().includes('hunter2'));
  });
}

test("a certificate's text goes with its exit", (t) => {
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    '-',
    '-subj',
    '/CN=ca',
  ];
  const pem = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const { exits, faults } = build('  - { url: "https://h", ca: ca.pem }', { files: { '/gate/ca.pem': pem } });
  t.deepEqual(faults, []);
  t.is(exits[0]?.ca, pem);
});

test('two files cannot hold one pool; two pools can hold one endpoint', (t) => {
  const options = { readText: () => '', projectFolder: '/gate' };
  const a = fileOf('pool: a\nexits: [{ url: "http://h:1" }]', '/gate/pools/a.yaml');
  const b = fileOf('pool: b\nexits: [{ url: "http://h:1" }]', '/gate/pools/b.yaml');
  const again = fileOf('pool: a\nexits: []', '/gate/pools/c.yaml');
  const { exits, faults } = buildAll([a, b, again], options);
  t.is(exits.length, 2);
  t.not(exits[0]?.id, exits[1]?.id);
  t.deepEqual(faults, ['/gate/pools/c.yaml:1:7 pool pool "a" stands in /gate/pools/a.yaml already']);
});

test('fifty thousand exits with one user and as many passwords are built in one pass', (t) => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `h:1:u:p_session-${i}`);
  const { exits } = build('  - list: l.txt', { files: { '/gate/pools/l.txt': lines.join('\n') } });
  t.is(new Set(exits.map(({ id }) => id)).size, 50_000);
});

test('what a list tells of its exits goes before the entry; kinds that cannot be dialled are told', (t) => {
  const files = {
    '/gate/pools/c.yaml':
      'proxies:\n  - {name: a, type: http, server: a, port: 1}\n  - {name: b, type: vmess, server: b, port: 1}\n',
    '/gate/pools/l.csv': 'host,port,country,city\nb,1,de,\nc,1,,Paris\n',
  };
  const remarks: string[] = [];
  const { exits, faults } = build(
    '  - { list: c.yaml, name: n, city: Berlin }\n  - { list: l.csv, format: csv, city: Berlin, name: n }',
    { files, remark: ({ message, path }) => remarks.push(`${path} ${message}`) },
  );
  t.deepEqual(faults, []);
  t.deepEqual(remarks, ['exits[0].list skipped, for they cannot be dialled: 1 vmess']);
  t.deepEqual(
    exits.map(({ name, geo }) => [name, geo.country, geo.city]),
    [
      ['a', 'us', 'Berlin'],
      ['n', 'de', 'Berlin'],
      ['n', 'us', 'Paris'],
    ],
  );
});

test('entries of one account share its limits, the least of what they say; a template without sessions counts too', (t) => {
  const template = (user: string, more: string) => `  - { template: "http://${user}:pw@h:1"${more} }\n`;
  const texts = [
    template('acme-{session}', ', slots: 2, limits: { concurrency: 9, perSecond: 5 }'),
    template('acme-{session}', ', country: de, limits: { concurrency: 4 }'),
    template('other-{session}', ', slots: 1'),
    `${template('plain', ', country: de, limits: { perSecond: 1 }')}${template('plain', ', country: fr, limits: { perSecond: 2 }')}`,
  ];
  const files = texts.map((text, index) => fileOf(`pool: p${index}\nexits:\n${text}`));
  const catalogue = new PoolCatalogue();
  const staged = catalogue.stage(poolSources(files, { readText: () => '', projectFolder: '/gate' }));
  t.deepEqual(staged.faults, []);
  const registry = new PoolRegistry(catalogue.commit(staged).record);
  const accounts = Array.from({ length: registry.slotCount }, (_, slot) => registry.limitedAccountOf(slot));
  const [acme, , again, other, plain, last] = accounts;
  t.deepEqual(acme?.limits, { concurrency: 4, perSecond: 5 });
  t.is(again, acme!);
  t.is(other, null);
  t.deepEqual(plain?.limits, { concurrency: null, perSecond: 1 });
  t.is(last, plain!);
  t.deepEqual([...registry.limitedAccountsIn('p1')], [acme!]);
  t.deepEqual([...registry.limitedAccountsIn('p2')], [null]);
  t.not(registry.exitAt(4)?.id, registry.exitAt(5)?.id);
  t.notRegex(JSON.stringify(accounts), /acme|pw/);
  const before = new PoolCatalogue();
  t.false(
    new PoolRegistry(
      before.commit(before.stage(poolSources(files.slice(2, 3), { readText: () => '', projectFolder: '/gate' })))
        .record,
    ).limitsAccounts,
  );
});
