import test from 'ava';
import fc from 'fast-check';
import type { ListedExit } from '../../../src/pool/list-formats/list-reader.ts';
import { ListWriter } from '../../../src/pool/list-formats/list-writer.ts';
import { parseEndpoint } from '../../../src/protocol/endpoint.ts';
import { type ListFormat, listFormats, listSchemes } from '../../../src/protocol/list-format.ts';
import { readList } from './read-list.ts';

type Written = Exclude<ListFormat, 'auto'>;
const written = listFormats.filter((format): format is Written => format !== 'auto');

/** The list, and the exits that it has; the others were refused. */
function write(format: Written, exits: readonly ListedExit[]) {
  const writer = new ListWriter(format);
  const taken: ListedExit[] = [];
  const refused: string[] = [];
  let text = '';
  for (const exit of exits) {
    const part = writer.write(exit);
    if (part.ok) {
      text += part.value;
      taken.push(exit);
    } else refused.push(part.fault.detail);
  }
  return {
    text: text + writer.end(),
    taken,
    refused,
    scheme: writer.untoldScheme ?? 'http',
    places: writer.tellsPlaces,
  };
}

const special = [
  ':',
  '@',
  '#',
  ' #',
  '%',
  '%41',
  '|',
  '"',
  "'",
  ';',
  ',',
  '\t',
  ' ',
  '\\',
  '/',
  '[',
  ']',
  '{',
  'é',
  '😀',
  '\uD800',
  '\u2028',
  '\uFEFF',
  '1',
  'a',
  'http:',
  '//',
];
const word = fc
  .array(fc.oneof(fc.constantFrom(...special), fc.string({ maxLength: 4, unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''));
const address = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((text) => `[${text}]`),
  fc.constantFrom('h', 'http', 'localhost', 'a.b.c'),
);
const text = word.filter((one) => one === one.trim() && one !== '' && !/[\x00-\x1f\x7f]/.test(one));
const geo = fc.record(
  {
    country: fc.constantFrom('us', 'de', 'na', 'zz'),
    region: text,
    state: text,
    city: text,
    zip: text,
    asn: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(String),
    isp: text,
  },
  { requiredKeys: [] },
);

const exit: fc.Arbitrary<ListedExit> = fc
  .record({
    scheme: fc.constantFrom(...listSchemes),
    address,
    port: fc.integer({ min: 1, max: 65_535 }),
    credential: fc.option(fc.record({ username: word, password: word })),
    geo,
    name: fc.option(text),
  })
  .map(({ scheme, address: host, port, credential, geo: place, name }) => {
    const endpoint = parseEndpoint(scheme, `${host}:${port}`, credential);
    return endpoint.ok ? { endpoint: endpoint.value, geo: { ...place }, name } : null;
  })
  .filter((one) => one !== null);

/** Whatever is told in every format of its kind. */
const endpoints = (exits: readonly ListedExit[]) => exits.map(({ endpoint }) => ({ ...endpoint }));

for (const format of written) {
  test(`${format}: what is written is read as it was, and the rest is refused`, (t) => {
    fc.assert(
      fc.property(fc.array(exit, { maxLength: 8 }), (exits) => {
        const list = write(format, exits);
        const read = readList(list.text, { format, scheme: list.scheme });
        t.deepEqual([read.faults, read.skipped, read.question], [[], [], null]);
        t.deepEqual(endpoints(read.exits), endpoints(list.taken));
        if (list.places)
          t.deepEqual(
            read.exits.map(({ geo, name }) => ({ geo: { ...geo }, name })),
            list.taken.map(({ geo, name }) => ({ geo: { ...geo }, name })),
          );
        t.is(list.taken.length + list.refused.length, exits.length);
      }),
      { numRuns: 300 },
    );
  });
}

for (const [format, separator] of [
  ['csv', ','],
  ['tsv', '\t'],
] as const) {
  test(`no cell of ${format} is a formula to a spreadsheet, and each is read as it was`, (t) => {
    for (const text of ['=HYPERLINK("http://x")', '+1', '-2', '@SUM(A1)', "'=1", "''+1", "'plain"]) {
      const exit = {
        endpoint: { scheme: 'http', host: 'h.example', port: 1, username: text.replaceAll(':', ''), password: text },
        geo: { city: text, isp: text },
        name: text,
      } as const;
      const writer = new ListWriter(format);
      const part = writer.write(exit);
      if (!part.ok) return t.fail(part.fault.detail);
      const row = part.value.split('\n').at(-1)!;
      for (const cell of row.split(separator)) t.notRegex(cell, /^"?[=+@-]/, row);
      const { exits, faults } = readList(part.value, { format });
      t.deepEqual({ exits, faults }, { exits: [exit], faults: [] });
    }
  });
}

for (const format of ['pipe', 'url', 'csv', 'tsv', 'json', 'playwright', 'clash', 'pac'] as const) {
  test(`${format}: it is known by itself`, (t) => {
    fc.assert(
      fc.property(fc.array(exit, { minLength: 1, maxLength: 5 }), (exits) => {
        const list = write(format, exits);
        const read = readList(list.text);
        if (list.taken.length > 0) t.deepEqual(endpoints(read.exits), endpoints(list.taken));
      }),
      { numRuns: 300 },
    );
  });
}

const plain: ListedExit = {
  endpoint: { scheme: 'http', host: 'h.example', port: 8080, username: 'user', password: 'pa-ss' },
  geo: { country: 'us', city: 'New York' },
  name: 'one',
};
const open: ListedExit = { ...plain, endpoint: { scheme: 'http', host: '2001:db8::1', port: 1 } };

const texts: Readonly<Record<Written, string>> = {
  pipe: 'http://user:pa-ss@h.example:8080|country=us|city=New York|name=one\nhttp://[2001:db8::1]:1|country=us|city=New York|name=one\n',
  url: 'http://user:pa-ss@h.example:8080\nhttp://[2001:db8::1]:1\n',
  'scheme-host-port': 'http:h.example:8080:user:pa-ss\nhttp:[2001:db8::1]:1\n',
  pac: 'function FindProxyForURL(url, host) {\n  return "PROXY [2001:db8::1]:1";\n}\n',
  proxychains: 'http h.example 8080 user pa-ss\nhttp 2001:db8::1 1\n',
  'host-port': '[2001:db8::1]:1\n',
  'host-port-user-pass': 'h.example:8080:user:pa-ss\n[2001:db8::1]:1\n',
  'user-pass-at-host-port': 'user:pa-ss@h.example:8080\n[2001:db8::1]:1\n',
  'user-pass-host-port': 'user:pa-ss:h.example:8080\n[2001:db8::1]:1\n',
  'host-port-at-user-pass': 'h.example:8080@user:pa-ss\n[2001:db8::1]:1\n',
  csv: 'protocol,host,port,username,password,country,region,state,city,zip,asn,isp,name\nhttp,h.example,8080,user,pa-ss,us,,,New York,,,,one\nhttp,2001:db8::1,1,,,us,,,New York,,,,one\n',
  tsv: 'protocol\thost\tport\tusername\tpassword\tcountry\tregion\tstate\tcity\tzip\tasn\tisp\tname\nhttp\th.example\t8080\tuser\tpa-ss\tus\t\t\tNew York\t\t\t\tone\nhttp\t2001:db8::1\t1\t\t\tus\t\t\tNew York\t\t\t\tone\n',
  json: '[\n{"protocol":"http","host":"h.example","port":8080,"username":"user","password":"pa-ss","country":"us","city":"New York","name":"one"},\n{"protocol":"http","host":"2001:db8::1","port":1,"country":"us","city":"New York","name":"one"}\n]\n',
  playwright:
    '[\n{"server":"http://h.example:8080","username":"user","password":"pa-ss"},\n{"server":"http://[2001:db8::1]:1"}\n]\n',
  clash:
    'proxies:\n  - {"name":"one","type":"http","server":"h.example","port":8080,"username":"user","password":"pa-ss"}\n  - {"name":"one (2)","type":"http","server":"2001:db8::1","port":1}\n',
};

for (const format of written) {
  test(`${format}: as it looks`, (t) => {
    const { text: list, refused } = write(format, [plain, open]);
    t.is(list, texts[format]);
    t.is(refused.length, format === 'pac' || format === 'host-port' ? 1 : 0);
    t.false(refused.join().includes('user'));
  });
}

test('what a format cannot tell is refused, and says where it can be told', (t) => {
  const socks: ListedExit = { ...open, endpoint: { ...open.endpoint, scheme: 'socks5' } };
  t.deepEqual(write('host-port', [open, socks]).refused, [
    'host-port leaves out the protocol, and that of this exit is another: use url or csv',
  ]);
  t.is(write('host-port', [socks]).scheme, 'socks5');
  const colon: ListedExit = { ...socks, endpoint: { ...socks.endpoint, username: 'a:b', password: 'c' } };
  t.deepEqual(write('host-port-user-pass', [colon]).refused, [
    'host-port-user-pass cannot tell this socks5 exit with its credential: use url, csv or json',
  ]);
  const direct: ListedExit = { ...open, endpoint: { scheme: 'direct', host: '', port: 0 } };
  for (const format of written) t.is(write(format, [direct]).refused.length, 1);
});

test('bars, comments and percent signs in a place are told in the format with bars', (t) => {
  const { text: list, refused } = write('pipe', [{ ...open, geo: { city: 'a|b #c%41' }, name: 'x=y' }]);
  t.deepEqual([list, refused], ['http://[2001:db8::1]:1|city=a%7Cb %23c%2541|name=x=y\n', []]);
});

test('an empty list is one in every format', (t) => {
  for (const format of written) t.deepEqual(readList(write(format, []).text, { format }).exits, [], format);
  t.deepEqual(JSON.parse(write('json', []).text), []);
});
