import test from 'ava';
import fc from 'fast-check';
import { listFormats } from '../../../src/protocol/list-format.ts';
import { readList } from './read-list.ts';

const h = { scheme: 'http', host: 'h.example', port: 8080 };
const named = { ...h, username: 'user', password: 'pa,s"s;:@#é' };

interface Row {
  readonly title: string;
  readonly text: string;
  readonly exits: readonly object[];
  readonly skipped?: readonly string[];
}

const geo = { country: 'us', city: 'New York' };

const rows: readonly Row[] = [
  {
    title: 'CSV with quotes, doubled quotes, a byte order mark, CRLF and columns that tell nothing',
    text: '\uFEFFIP Address,Port,Login,Password,Speed,Country Code,City\r\nh.example,8080,user,"pa,s""s;:@#é",12,US,New York\r\n\r\n',
    exits: [{ endpoint: named, geo, name: null }],
  },
  {
    title: 'CSV with semicolons, and the line by which a spreadsheet names them',
    text: 'sep=;\nhost;port;user;pass\nh.example;8080;user;"pa,s""s;:@#é"\n',
    exits: [{ endpoint: named, geo: {}, name: null }],
  },
  {
    title: 'TSV, with a comment, protocols and ASNs',
    text: '# export\nproxy\tport\tprotocol\tasn\tisp\nh.example\t8080\tSOCKS5\tAS3320 DTAG\tTelekom\n2001:db8::1\t1\thttps\t-\t\n',
    exits: [
      { endpoint: { ...h, scheme: 'socks5' }, geo: { asn: '3320', isp: 'Telekom' }, name: null },
      { endpoint: { scheme: 'https', host: '2001:db8::1', port: 1 }, geo: {}, name: null },
    ],
  },
  {
    title: 'CSV with one column of URLs or addresses',
    text: 'proxy\nhttp://h.example:8080\nh.example:8080:user:pass:word\n',
    exits: [
      { endpoint: h, geo: {}, name: null },
      { endpoint: { ...h, username: 'user', password: 'pass:word' }, geo: {}, name: null },
    ],
  },
  {
    title: 'CSV with the country told twice, and a kind that is no protocol',
    text: 'host,port,type,country,country_code\nh.example,8080,residential,Germany,DE\nh.example,8081,socks4,South Korea,\n',
    exits: [
      { endpoint: h, geo: { country: 'de' }, name: null },
      { endpoint: { ...h, port: 8081, scheme: 'socks4' }, geo: { country: 'kr' }, name: null },
    ],
  },
  {
    title: 'CSV with a field over two lines',
    text: 'host,port,note\nh.example,8080,"two\nlines"\nh.example,8081,x\n',
    exits: [
      { endpoint: h, geo: {}, name: null },
      { endpoint: { ...h, port: 8081 }, geo: {}, name: null },
    ],
  },
  {
    title: 'JSON of texts in several forms',
    text: '["h.example:8080", "http://h.example:8080",\n "h.example:8080:user:pa,s\\"s;:@#\\u00e9"]',
    exits: [h, h, named].map((endpoint) => ({ endpoint, geo: {}, name: null })),
  },
  {
    title: "Webshare's answer",
    text: JSON.stringify({
      count: 1,
      next: null,
      fields: ['a:1'],
      results: [
        {
          id: 'd-1',
          username: 'user',
          password: 'pa,s"s;:@#é',
          proxy_address: 'h.example',
          port: 8080,
          valid: true,
          last_verification: '2024-01-01T00:00:00Z',
          country_code: 'US',
          city_name: 'New York',
          asn_name: 'Example',
          asn_number: 3320,
        },
      ],
    }),
    exits: [{ endpoint: named, geo: { ...geo, asn: '3320', isp: 'Example' }, name: null }],
  },
  {
    title: 'nested lists, protocols as a list, ports as texts',
    text: '{"data":{"total":1,"proxies":[{"ip":"h.example","port":"8080","protocols":["socks5","http"],"country":"US"}]}}',
    exits: [{ endpoint: { ...h, scheme: 'socks5' }, geo: { country: 'us' }, name: null }],
  },
  {
    title: 'an address told twice, and a place in an object of its own',
    text: '{"proxies":[{"proxy":"http://h.example:8080","ip":"h.example","port":8080,"protocol":"http","ip_data":{"countryCode":"US","city":"New York"}}]}',
    exits: [{ endpoint: h, geo, name: null }],
  },
  {
    title: 'Playwright objects',
    text: '[{"server":"http://h.example:8080","username":"user","password":"pa,s\\"s;:@#é","bypass":".local"},{"server":"h.example:8080"},{"server":"socks5://h.example:8080"}]',
    exits: [named, h, { ...h, scheme: 'socks5' }].map((endpoint) => ({ endpoint, geo: {}, name: null })),
  },
  {
    title: 'one object, and objects line by line',
    text: '{"host":"h.example","port":8080,"auth":{"username":"user","password":"p"}}\n{"host":"h.example","port":8080}\n',
    exits: [{ ...h, username: 'user', password: 'p' }, h].map((endpoint) => ({ endpoint, geo: {}, name: null })),
  },
  { title: 'an empty list', text: ' [ ]\n', exits: [] },
  {
    title: 'a Clash file',
    text: `mixed-port: 7890
proxies: # mine
  # a comment
  - name: "🇩🇪 DE: 1"
    type: http
    server: h.example
    port: 8080
    username: user
    password: 'pa,s"s;:@#é'
  - {name: tls, type: http, server: h.example, port: 443, tls: true, skip-cert-verify: true}
  - name: digits
    type: socks5
    server: 2001:db8::1
    port: 1080
    username: 0123
    password: 1e5
  - {name: s, type: ss, server: h, port: 1, cipher: aes-128-gcm, password: x}
  - {name: v, type: vmess, server: h, port: 1, uuid: x}
  - {name: t, type: socks5, server: h, port: 1, tls: true}
proxy-groups:
  - name: g
    proxies: [tls]
`,
    exits: [
      { endpoint: named, geo: {}, name: '🇩🇪 DE: 1' },
      { endpoint: { scheme: 'https', host: 'h.example', port: 443 }, geo: {}, name: 'tls' },
      {
        endpoint: { scheme: 'socks5', host: '2001:db8::1', port: 1080, username: '0123', password: '1e5' },
        geo: {},
        name: 'digits',
      },
    ],
    skipped: ['ss', 'vmess', 'socks5 over TLS'],
  },
  {
    title: 'a Clash file with dashes at the margin, and CRLF',
    text: 'proxies:\r\n- name: a\r\n  type: http\r\n  server: h.example\r\n  port: 8080\r\nrules:\r\n- MATCH,a\r\n',
    exits: [{ endpoint: h, geo: {}, name: 'a' }],
  },
  {
    title: 'a Clash file in brackets',
    text: 'proxies: [{name: a, type: http, server: h.example, port: 8080},\n  {name: b, type: trojan, server: h, port: 1}]\nmode: rule\n',
    exits: [{ endpoint: h, geo: {}, name: 'a' }],
    skipped: ['trojan'],
  },
  {
    title: 'a proxy auto-config script',
    text: `function FindProxyForURL(url, host) {
  // return "PROXY old.example:1";
  /* nor "PROXY old.example:2"
     "PROXY old.example:3" */
  if (dnsDomainIs(host, ".example")) return 'DIRECT';
  return "PROXY h.example:8080; SOCKS5 [2001:db8::1]:1080; DIRECT";
}`,
    exits: [h, { scheme: 'socks5', host: '2001:db8::1', port: 1080 }].map((endpoint) => ({
      endpoint,
      geo: {},
      name: null,
    })),
    skipped: ['direct', 'direct'],
  },
];

for (const { title, text, exits, skipped = [] } of rows) {
  test(title, (t) => {
    const whole = readList(text);
    t.deepEqual(whole.faults, []);
    t.deepEqual(whole.exits, exits as never);
    t.deepEqual(whole.skipped, skipped);
    for (let cut = 0; cut <= text.length; cut += 1) t.deepEqual(readList([text.slice(0, cut), text.slice(cut)]), whole);
    t.deepEqual(readList([...text]), whole);
  });
}

for (const [text, line, message, format] of [
  ['host,port\na,b,hunter2\n', 2, 'the row has more fields than the header', 'auto'],
  ['host,port,user,pass\na,1,"hunter2,x\nb,2,u,p', 2, 'a quote is not closed', 'auto'],
  ['host,port,pass\na,1,hunter2\n', 2, 'a password stands without its user name', 'auto'],
  ['host,port,country\na,1,hunter2\n', 2, 'the country is neither', 'auto'],
  ['host,port,protocol\na,1,hunter2\n', 2, 'the protocol is none of', 'auto'],
  ['host,port\na:1,2\n', 2, 'the port in the address is another', 'auto'],
  ['a,1,u,hunter2\n', 1, 'expected a header that names the columns', 'csv'],
  [
    '[{"host":"a","port":1,"password":1.5,"username":"hunter2"}]',
    1,
    'the user name or the password is a number',
    'auto',
  ],
  ['[{"host":"a","port":1},\n{"host":hunter2}]', 2, 'this is no valid JSON', 'auto'],
  ['[{"host":"a","port":1},\n["hunter2"], 7]', 2, 'expected a text or an object', 'auto'],
  ['[{"host":"a","port":1},\n{"host":"hunter2"', 2, 'the JSON breaks off', 'auto'],
  ['[{"host":"a"]\n', 1, 'the brackets of the JSON do not match', 'auto'],
  ['[]\nhunter2', 2, 'expected JSON', 'auto'],
  [`[{"hunter2":\n${'['.repeat(100)}`, 2, 'the JSON is nested too deeply', 'auto'],
  ['{"hunter2": true}', 1, 'there is no host', 'auto'],
  [`["${'hunter2'.repeat(20_000)}"]`, 1, 'the element is too long', 'auto'],
  ['hunter2: 1\n', 1, 'there is no "proxies:" in it', 'clash'],
  ['proxies:\n  - hunter2\n', 2, 'this is no item in YAML', 'auto'],
  ['proxies:\n  - {<<: *hunter2, type: http}\n', 2, 'this is no item in YAML', 'auto'],
  ['proxies:\n  - {name: x, server: h}\n', 2, 'the item has no type', 'auto'],
  [`proxies:\n  - name: hunter2\n${'    k: v\n'.repeat(9_000)}`, 2, 'the item is longer than 64 KiB', 'auto'],
  ['function FindProxyForURL() { return "PROXY " + hunter2 }', 1, 'the script puts this answer together', 'auto'],
  ['<!DOCTYPE html>\n<p>hunter2', 1, 'this is a web page', 'auto'],
  ['\uFFFD\uFFFDh\0:\x001\0\n\0', 1, 'this is no text in UTF-8', 'auto'],
  ['\x1f\uFFFD\b\0\0', 1, 'this is compressed', 'auto'],
] as const) {
  test(`fault of ${JSON.stringify(text.slice(0, 60))}`, (t) => {
    const { faults } = readList(text, { format });
    t.is(faults[0]?.line, line, JSON.stringify(faults));
    t.true(faults[0]?.message.startsWith(message), faults[0]?.message);
    t.false(JSON.stringify(faults).includes('hunter2'));
  });
}

test('a list in JSON asks as lines do', (t) => {
  t.deepEqual(readList('["a:1:b:2"]').question, ['host-port-user-pass', 'user-pass-host-port']);
  t.is(readList('["a:1:b:2"]', { answer: 'user-pass-host-port' }).exits[0]?.endpoint.host, 'b');
});

test('a long Clash list is taken item by item, whatever stands behind it', (t) => {
  const items = Array.from({ length: 3000 }, (_, i) => `  - {name: n${i}, type: socks5, server: h${i}, port: 1}`);
  const { exits, faults } = readList(`proxies:\n${items.join('\n')}\nrules:\n${'  - MATCH,x\n'.repeat(9000)}`);
  t.deepEqual([exits.length, faults.length], [3000, 0]);
});

test('a Clash item of very many keys takes as long as it is, and one that is longer is not read at all', (t) => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: ''`);
  const list = (count: number) => `proxies: [\n{type: http, server: h, port: 1,\n${keys(count).join(',\n')}}]\n`;
  // What is quadratic in these takes minutes.
  t.timeout(30_000);
  t.is(readList(list(80_000)).exits.length, 1);
  const twice = readList('proxies:\n  - {type: http, server: g, server: h, port: 1}\n').exits;
  t.deepEqual(
    twice.map(({ endpoint }) => endpoint.host),
    ['h'],
    'nobody looks for a key among all before it',
  );
  const items = (count: number) =>
    `proxies:\n  - type: http\n    server: h\n    port: 1\n    ${keys(count).join('\n    ')}\n`;
  t.is(readList(items(1_000)).exits.length, 1);
  t.is(readList(items(5_000)).faults.length, 1);
});

const scraps = [
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  ',',
  ':',
  '\\',
  '\n',
  '\r',
  ' ',
  '-',
  '- ',
  '  ',
  '#',
  '/*',
  '*/',
  '//',
  ';',
  '\t',
].concat([
  'host',
  'port',
  'proxies',
  'proxies:',
  'h.example',
  '8080',
  'PROXY h:1',
  'FindProxyForURL',
  'type: http',
  '\0',
  '\uFEFF',
  '\uD800',
  'é',
]);

test('no text of any kind makes a reader throw, and cuts change nothing', (t) => {
  const text = fc.array(fc.constantFrom(...scraps), { maxLength: 60 }).map((words) => words.join(''));
  const begun = fc.tuple(
    fc.constantFrom('', '[', '{"results":[', 'host,port,user\n', 'proxies:\n', 'function FindProxyForURL'),
    text,
  );
  fc.assert(
    fc.property(
      begun,
      fc.constantFrom(...listFormats),
      fc.array(fc.nat(80), { maxLength: 3 }),
      ([start, rest], format, cuts) => {
        const whole = start + rest;
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const parts = places
          .slice(1)
          .map((end, index) => whole.slice(places[index], Math.max(end, places[index] ?? 0)));
        t.deepEqual(readList(parts, { format }), readList(whole, { format }));
      },
    ),
    { numRuns: 500 },
  );
});

test('nor do random octets', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...listFormats), (octets, format) => {
      t.truthy(readList(Buffer.from(octets).toString('utf8'), { format }));
    }),
  );
});

test('a text made to be read again and again is read in time that its length allows', (t) => {
  const worst: readonly (readonly [start: string, unit: string])[] = [
    ['host,port,note\na,1,"', '""\n'],
    ['host,port,note\na,1,"', '\n'],
    ['function FindProxyForURL() {\n"', '\\"'],
    ['function FindProxyForURL() {\n', '"\n'],
    ['proxies:\n  - a: ', '[{'],
    ['proxies:\n', '  - a\n'],
    ['[{"server":"', '://'],
    ['[', '['],
    ['["', ':1'],
    ['', 'a:'],
    ['', ' #'],
    ['', '|'],
    ['PROXY ', 'a:1'],
    ['h:1:', '@h:1'],
  ];
  // What is quadratic in these takes minutes.
  t.timeout(60_000);
  for (const [start, unit] of worst) t.truthy(readList(start + unit.repeat(2_000_000 / unit.length)), unit);
});
