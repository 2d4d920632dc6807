import test from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { readPoolFile } from '../../src/config/pool-file.ts';
import { YamlFile } from '../../src/config/yaml-file.ts';

const faultsOf = (text: string) => {
  const reading = readPoolFile(new YamlFile('p.yaml', text));
  return reading.ok ? [] : reading.faults.map(formatFault);
};

const head = 'pool: p\nexits:\n';

test('a pool file with every kind of entry', (t) => {
  const reading = readPoolFile(
    new YamlFile(
      'p.yaml',
      `
pool: residential
tier: res
price: { perGB: 4.2, currency: EUR }
strategy: round-robin
country: US
isp: Example Net
exits:
  - url: http://user:secret@127.0.0.1:19171
    country: de
    asn: AS3320
    dns: local
    verify: false
    ca: ca.pem
    name: first
    ip: 6
  - list: lists/isp.txt
  - { list: more.txt, scheme: socks5h, zip: "02139", asn: 3320 }
  - template: "http://c-{country}-{session}:x@pr.example:7777"
    countries: [us, DE]
    slots: 500
  - { template: "http://{session}:x@pr.example:7777" }
  - direct: true
  - demo: { http: 1 }
`,
    ),
  );
  t.true(reading.ok);
  if (!reading.ok) return;
  const { entries, faultAt, probe: _probe, ...rest } = reading.pool;
  t.deepEqual(rest, {
    file: 'p.yaml',
    name: 'residential',
    tier: 'res',
    price: { perGB: 4.2, perRequest: 0, perIpMonth: 0, currency: 'EUR' },
    strategy: 'round-robin',
    hedge: false,
  });
  const common = {
    geo: { country: 'us', isp: 'Example Net' },
    dns: null,
    verify: true,
    ca: null,
    name: null,
    ip: null,
  };
  t.deepEqual(entries[0], {
    kind: 'url',
    url: 'http://user:secret@127.0.0.1:19171',
    geo: { country: 'de', asn: '3320', isp: 'Example Net' },
    dns: 'local',
    verify: false,
    ca: 'ca.pem',
    name: 'first',
    ip: 6,
  });
  t.deepEqual(entries[1], { kind: 'list', list: 'lists/isp.txt', format: 'auto', scheme: 'http', ...common });
  t.like(entries[2], { scheme: 'socks5h', geo: { country: 'us', zip: '02139', asn: '3320', isp: 'Example Net' } });
  t.like(entries[3], { kind: 'template', slots: 500, ttlMs: null, lifetimeMs: null, limits: null });
  t.like(entries[3], { lists: { country: ['us', 'DE'], city: [] } });
  t.like(entries[4], { kind: 'template', slots: null, lists: { country: [] } });
  t.deepEqual(entries[5], { kind: 'direct', from: null, ...common });
  t.deepEqual(entries[6], { kind: 'demo', counts: { http: 1, https: 0, socks5: 0 }, ...common });
  t.is(formatFault(faultAt(['exits', 0, 'url'], 'x')), 'p.yaml:9:10 exits[0].url x');
});

test('what is fetched says from where, how often, and what is believed', (t) => {
  const text = [
    'pool: p',
    'country: de',
    'exits:',
    '  - { list: "https://h/x", headers: { X-Key: k } }',
    '  - { list: "HTTP://127.0.0.1/", refresh: 1h, timeout: 5s, shrink: allow, format: csv, scheme: socks5, name: n }',
    '  - api:',
    '      { url: "http://h/", body: { a: 1 }, method: POST, items: "$[*]", exit: { host: $.h, port: $.p }, next: $.n }',
    '  - { api: { url: "http://h/", items: "$", exit: { line: "$" }, format: json, pace: { perSecond: 0.5 } } }',
    '  - { command: [./a, "b c"], refresh: 30s }',
  ];
  const reading = readPoolFile(new YamlFile('p.yaml', text.join('\n')));
  if (!reading.ok) return t.fail(reading.faults.map(formatFault).join('\n'));
  const terms = { refreshMs: 600_000, timeoutMs: 60_000, shrink: 'refuse' };
  const [first, second, third, fourth, fifth] = reading.pool.entries;
  t.like(first, { kind: 'fetched', format: 'auto', scheme: 'http', geo: { country: 'de' } });
  t.deepEqual(first?.kind === 'fetched' ? first.source : null, {
    ...terms,
    from: { kind: 'list', url: 'https://h/x', headers: { 'X-Key': 'k' } },
  } as never);
  t.like(second, { kind: 'fetched', format: 'csv', scheme: 'socks5', name: 'n' });
  t.like(second, { source: { refreshMs: 3_600_000, timeoutMs: 5_000, shrink: 'allow', from: { kind: 'list' } } });
  t.like(third, { format: 'pipe', source: { from: { kind: 'api', method: 'POST', body: { a: 1 }, items: ['all'] } } });
  t.like(third, { source: { from: { next: [{ name: 'n' }], pace: { perSecond: 2, concurrency: 1 } } } });
  t.like(fourth, { format: 'json', source: { from: { exit: [['line', []]], pace: { perSecond: 0.5 }, next: null } } });
  t.like(fifth, { source: { refreshMs: 30_000, from: { kind: 'command', argv: ['./a', 'b c'], env: {} } } });
});

test('a pool says no more than its name', (t) => {
  const reading = readPoolFile(new YamlFile('p.yaml', 'pool: p\nexits: []'));
  t.like(reading.ok ? reading.pool : null, {
    name: 'p',
    tier: 'dc',
    price: null,
    strategy: 'learned',
    entries: [],
  });
});

for (const [title, text, faults] of [
  ['empty', '', ['1:1 pool is missing', '1:1 exits is missing']],
  ['a name outside the grammar', 'pool: my-pool\nexits: []', [/^1:7 pool expected a name: 1 to 64 of a-z 0-9 . _ ~$/]],
  ['tier', 'pool: p\ntier: gold\nexits: []', ['2:7 tier expected one of dc, isp, res, mobile']],
  ['price', 'pool: p\nprice: { perGB: -1, currency: usd }\nexits: []', [/^2:17 price.perGB/, /^2:31 price.currency/]],
  [
    'price without figure',
    'pool: p\nprice: {}\nexits: []',
    ['2:8 price expected at least one of perGB, perRequest, perIpMonth'],
  ],
  [
    'a price too fine',
    'pool: p\nprice: { perRequest: 1.5e-13 }\nexits: []',
    ['2:22 price.perRequest expected a price with 12 decimals at most'],
  ],
  ['strategy', 'pool: p\nstrategy: best\nexits: []', [/^2:11 strategy expected one of learned, two-choices/]],
  ['country', 'pool: p\ncountry: usa\nexits: []', ['2:10 country expected a two-letter country code (ISO 3166-1)']],
  ['zip without quotes', 'pool: p\nzip: 02139\nexits: []', [/^2:6 zip expected a text in quotes, .* found a number$/]],
  ['an unknown key', 'pool: p\nexit: []\nexits: []', ['2:1 exit unknown key: did you mean "exits"?']],
  ['an entry of no kind', `${head}  - { country: de }`, [/^3:5 exits\[0\] expected a mapping with one of url, list/]],
  ['a bare text', `${head}  - http://h:1`, [/^3:5 exits\[0\] expected a mapping with one of url, list/]],
  [
    'an entry of two kinds',
    `${head}  - { url: "http://h", direct: true }`,
    ['3:24 exits[0].direct an entry is either url or direct'],
  ],
  [
    'an unknown key of an entry',
    `${head}  - url: http://h\n    contry: de`,
    [/^4:5 exits\[0\].contry unknown key: did you mean "country"/],
  ],
  ['a key of another kind', `${head}  - { direct: true, verify: false }`, [/^3:21 exits\[0\].verify unknown key/]],
  ['direct that is not', `${head}  - direct: false`, ['3:13 exits[0].direct expected true']],
  ['no slots', `${head}  - { template: x, slots: 0 }`, [/^3:27 exits\[0\].slots expected a whole number from 1 to/]],
  [
    'no room in an account',
    `${head}  - { template: x, limits: { concurrency: 0, perSecond: 0 } }`,
    [
      /^3:43 exits\[0\].limits.concurrency expected a whole number from 1 to/,
      /^3:\d+ exits\[0\].limits.perSecond expected a whole number from 1 to/,
    ],
  ],
  [
    'limits of nothing',
    `${head}  - { vendor: x, username: y, limits: {} }`,
    ['3:39 exits[0].limits expected at least one of concurrency, perSecond'],
  ],
  [
    'limits of what is no account',
    `${head}  - { url: "http://h", limits: { concurrency: 1 } }`,
    [/^3:24 .*limits unknown key/],
  ],
  ['countries', `${head}  - { template: x, countries: us }`, ['3:31 exits[0].countries expected a list, found a text']],
  ['scheme', `${head}  - { list: x, scheme: direct }`, [/^3:24 exits\[0\].scheme expected one of http/]],
  ['a list that is nowhere', `${head}  - { list: "https://" }`, ['3:13 exits[0].list expected a URL of http or https']],
  [
    'refresh too often',
    `${head}  - { list: "https://h/", refresh: 5s }`,
    ['3:36 exits[0].refresh expected at least 10000ms'],
  ],
  ['a local list is not refreshed', `${head}  - { list: x, refresh: 10m }`, [/^3:16 exits\[0\].refresh unknown key/]],
  [
    'a field of ours',
    `${head}  - { list: "https://h/", headers: { Host: x } }`,
    [/^3:36 exits\[0\].headers a name here/],
  ],
  [
    'an API without its parts',
    `${head}  - { api: { url: "http://h/", exit: { host: $.a } } }`,
    ['3:12 exits[0].api.items is missing', '3:38 exits[0].api.exit expected "host" and "port", or "line" alone'],
  ],
  [
    'paths of an API',
    `${head}  - { api: { url: "http://h/", items: "$.a[x]", exit: { line: "$[*]" } } }`,
    [
      "3:39 exits[0].api.items at character 4 expected .name, ['name'], [0] or [*]",
      '3:63 exits[0].api.exit.line this path must lead to one value: no [*]',
    ],
  ],
  [
    'a command without a program',
    `${head}  - { command: [] }`,
    ['3:16 exits[0].command expected a list that begins with a program'],
  ],
  ['ip', `${head}  - { direct: true, ip: 5 }`, ['3:25 exits[0].ip expected 4 or 6']],
  ['demo', `${head}  - demo: { http: many }`, [/^3:19 exits\[0\].demo.http expected a whole number/]],
  [
    'all at once',
    'pool: P\nexits:\n  - { url: 1 }\n  - {}\n',
    [/^1:7 pool/, '3:12 exits[0].url expected the URL of an exit, found a number', /^4:5 exits\[1\]/],
  ],
] as const) {
  test(`fault: ${title}`, (t) => {
    const found = faultsOf(text).map((fault) => fault.replace('p.yaml:', ''));
    t.is(found.length, faults.length, found.join('\n'));
    for (const [i, fault] of faults.entries()) {
      if (typeof fault === 'string') t.is(found[i], fault);
      else t.regex(found[i]!, fault);
    }
  });
}

test('a credential may be nothing but digits, though a variable holds it', (t) => {
  const yaml = new YamlFile(
    'p.yaml',
    `${head}  - { vendor: x, username: "\u0024{U}", password: "\u0024{P}", slots: "\u0024{N}" }
  - { list: "https://h/", headers: { X-Key: "\u0024{P}" } }
  - { command: [./exits, "\u0024{P}"], env: { KEY: "\u0024{P}" } }\n`,
  );
  const values: Record<string, string> = { U: '1001', P: '31415926', N: '12' };
  yaml.expand((text) => ({ ok: true, value: text.replace(/^\$\{(.)\}$/, (_, name: string) => values[name] ?? '') }));
  const reading = readPoolFile(yaml);
  t.true(reading.ok, reading.ok ? '' : reading.faults.map(formatFault).join());
  if (!reading.ok) return;
  const [vendor, list, command] = reading.pool.entries;
  t.like(vendor, { username: '1001', password: '31415926', slots: 12 });
  t.true(JSON.stringify(list).includes('"31415926"'));
  t.like(command, { source: { from: { argv: ['./exits', '31415926'], env: { KEY: '31415926' } } } });
});
