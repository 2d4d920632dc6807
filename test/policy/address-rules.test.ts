import test from 'ava';
import { AddressRules, type AddressRulesOptions, type RuleContext } from '../../src/policy/address-rules.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { parseAuthority } from '../../src/protocol/authority.ts';

interface Setup {
  readonly allow?: readonly Rule[];
  readonly deny?: readonly Rule[];
  readonly browserHosts?: 'deny' | 'allow';
  readonly own?: Partial<AddressRulesOptions['own']>;
  readonly hosts?: Record<string, readonly string[]>;
}

function rulesOf({ allow = [], deny = [], browserHosts = 'deny', own = {}, hosts = {} }: Setup = {}): AddressRules {
  const names = new Map(Object.entries(hosts));
  return new AddressRules({
    rules: { allow, deny, browserHosts },
    own: { listeners: [], admin: [], local: [], ...own },
    hosts: (name) => names.get(name),
  });
}

const tunnel: RuleContext = { pool: 'retail', method: 'connect' };
const forward: RuleContext = { pool: 'retail', method: 'forward' };
const demo: RuleContext = { pool: 'demo', method: 'connect' };

/** What becomes of a target as a client writes it: refused by the parser, the verdict's kind, or open. */
function fate(rules: AddressRules, target: string, context = tunnel): string {
  const authority = parseAuthority(target, 443);
  if (!authority.ok) return 'no authority';
  return rules.judgeTarget(authority.value, context)?.kind ?? 'open';
}

const closedIpv4 = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
  ],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
  ...[
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
  ],
];
const openIpv4 = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '172.15.255.255',
];
const moreOpenIpv4 = [
  '128.0.0.1',
  '169.253.0.1',
  '172.32.0.0',
  '192.0.1.1',
  '192.167.1.1',
  '198.17.0.1',
  '198.20.0.0',
  '223.255.255.255',
];
const closedIpv6 = [
  ...[
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[fe80::1]',
    '[FEBF::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
  ],
  ...[
    '[100::1]',
    '[2001:db8::1]',
    '[2001:2::1]',
    '[2001:10::1]',
    '[2001::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[64:ff9b:1::808:808]',
  ],
];

/** All spellings of an IPv4 address, by those who read and those who carry them. */
function spellings(address: string): string[] {
  const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
  const hex = (n: number) => n.toString(16);
  const high = hex(a * 256 + b);
  const low = hex(c * 256 + d);
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  return [
    address,
    `${address}.`,
    String(whole),
    `0x${hex(whole)}`,
    `0X${hex(whole).toUpperCase()}`,
    `0${whole.toString(8)}`,
    [a, b, c, d].map((n) => `0x${hex(n)}`).join('.'),
    [a, b, c, d].map((n) => `0${n.toString(8)}`).join('.'),
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    `[::ffff:${address}]`,
    `[::FFFF:${high}:${low}]`,
    `[0:0:0:0:0:ffff:${high}:${low}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b::${high}:${low}]`,
    `[2002:${high}:${low}::1]`,
    `[::${address}]`,
    `[::ffff:0:${address}]`,
    `[2001:0:102:304:0:0:${hex((a * 256 + b) ^ 0xffff)}:${hex((c * 256 + d) ^ 0xffff)}]`,
  ];
}

for (const address of closedIpv4) {
  test(`${address} is closed in every spelling`, (t) => {
    const rules = rulesOf();
    for (const spelling of spellings(address)) {
      t.is(fate(rules, `${spelling}:443`), 'target_ip_forbidden', spelling);
      t.is(fate(rules, `${spelling}:80`, forward), 'target_ip_forbidden', spelling);
    }
  });
}

test('open addresses are open, also where a carrier is', (t) => {
  const rules = rulesOf();
  for (const address of [
    ...openIpv4,
    ...moreOpenIpv4,
    '[2606:4700::1111]',
    '[2a00::1]',
    '[64:ff9b::8.8.8.8]',
    '[::ffff:8.8.8.8]',
  ]) {
    t.is(fate(rules, `${address}:443`), 'open', address);
  }
});

test('IPv6 beyond global unicast is closed', (t) => {
  const rules = rulesOf();
  for (const address of closedIpv6) t.is(fate(rules, `${address}:443`), 'target_ip_forbidden', address);
});

test('what is no canonical spelling never becomes a name', (t) => {
  const rules = rulesOf();
  for (const target of [
    '%31%32%37.0.0.1',
    '127.0.0.1%00',
    '１２７.0.0.1',
    '[fe80::1%eth0]',
    '127.0.0.1\0.example.com',
    '0x7f.1:443',
  ]) {
    t.not(fate(rules, target), 'open', target);
  }
});

test('local names are closed, by whole labels', (t) => {
  const rules = rulesOf();
  const local = [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    'localhost.localdomain',
    'printer.local',
    'ip6-localhost',
    'redis',
  ];
  for (const name of [...local, 'metadata', 'metadata.google.internal', 'db.corp', 'router.home.arpa', 'nas.lan']) {
    t.is(fate(rules, `${name}:443`), 'target_ip_forbidden', name);
  }
  for (const name of [
    'example.com',
    'notlocalhost.com',
    'local.example',
    'internal.example.com',
    'localhost.example.com',
  ]) {
    t.is(fate(rules, `${name}:443`), 'open', name);
  }
});

test('names of the hosts file are judged by their addresses', (t) => {
  const hosts = {
    'db.example.com': ['10.0.0.5'],
    'cdn.example.com': ['1.2.3.4'],
    vm: ['127.0.0.1'],
    'two.example.com': ['10.0.0.5', '1.2.3.4'],
  };
  const rules = rulesOf({ hosts });
  t.is(fate(rules, 'db.example.com:443'), 'target_ip_forbidden');
  t.is(fate(rules, 'vm:443'), 'target_ip_forbidden');
  t.is(fate(rules, 'cdn.example.com:443'), 'open');
  t.is(fate(rules, 'two.example.com:443'), 'open');
  const opened = rulesOf({ hosts, allow: [{ cidr: '127.0.0.0/8' }] });
  t.is(fate(opened, 'vm:443'), 'open');
  t.is(fate(opened, 'db.example.com:443'), 'target_ip_forbidden');
  const denied = rulesOf({ hosts, deny: [{ cidr: '1.2.3.0/24' }] });
  t.is(fate(denied, 'two.example.com:443'), 'target_ip_forbidden');
});

test('a range opened for a pool is open there only, and its names with it', (t) => {
  const rules = rulesOf({ allow: [{ cidr: '127.0.0.0/8', pool: 'demo' }] });
  for (const target of [
    '127.0.0.1:8443',
    'localhost:8443',
    '2130706433:8443',
    '[::ffff:127.0.0.1]:8443',
    '[64:ff9b::127.0.0.1]:8443',
  ]) {
    t.is(fate(rules, target, demo), 'open', target);
    t.is(fate(rules, target), 'target_ip_forbidden', target);
  }
  for (const target of ['10.0.0.1:8443', '[::1]:8443', '[::127.0.0.1]:8443', 'redis:8443']) {
    t.is(fate(rules, target, demo), 'target_ip_forbidden', target);
  }
});

test('a name that was opened cannot lead into a closed range', (t) => {
  const byName = rulesOf({ allow: [{ host: 'wiki.corp' }] });
  t.is(fate(byName, 'wiki.corp:443'), 'open');
  t.is(byName.judgeAddress('10.0.0.5', 443, { ...tunnel, host: 'wiki.corp' })?.kind, 'target_ip_forbidden');
  const withRange = rulesOf({ allow: [{ host: 'wiki.corp' }, { host: 'wiki.corp', cidr: '10.0.0.0/8' }] });
  t.is(withRange.judgeAddress('10.0.0.5', 443, { ...tunnel, host: 'wiki.corp' }), null);
  t.is(withRange.judgeAddress('10.0.0.5', 443, { ...tunnel, host: 'other.corp' })?.kind, 'target_ip_forbidden');
  t.is(withRange.judgeAddress('10.0.0.5', 443, { ...tunnel, host: '10.0.0.5' })?.kind, 'target_ip_forbidden');
});

test('resolved addresses are judged in whatever form a resolver gives them', (t) => {
  const rules = rulesOf();
  const context = { ...tunnel, host: 'rebind.example.com' };
  for (const address of [
    '127.0.0.1',
    '::1',
    '::ffff:10.0.0.1',
    'fe80::1%eth0',
    '169.254.169.254',
    'fd00:ec2::254',
    '',
    'x',
    '0x7f.1',
  ]) {
    t.is(rules.judgeAddress(address, 443, context)?.kind, 'target_ip_forbidden', address);
  }
  t.is(rules.judgeAddress('93.184.216.34', 443, context), null);
  t.is(rules.judgeAddress('2606:2800:220:1::1', 443, context), null);
});

test('IPv6 loopback is opened by its own range', (t) => {
  const rules = rulesOf({ allow: [{ cidr: '::1' }] });
  t.is(rules.judgeAddress('::1', 8080, { ...tunnel, host: '::1' }), null);
  t.is(rules.judgeAddress('::7f00:1', 8080, { ...tunnel, host: '::1' })?.kind, 'target_ip_forbidden');
});

test('deny wins over allow, everybody’s and the client’s alike', (t) => {
  const rules = rulesOf({
    deny: [{ suffix: 'update.example.com' }],
    allow: [{ cidr: '10.0.0.0/8' }, { host: 'update.example.com' }],
  });
  t.is(fate(rules, 'update.example.com:443'), 'target_forbidden');
  t.is(fate(rules, 'a.UPDATE.example.com.:443'), 'target_forbidden');
  t.is(fate(rules, 'notupdate.example.com:443'), 'open');
  const client = { allow: [{ host: 'update.example.com' }], deny: [{ cidr: '10.1.0.0/16' }, { host: '1.1.1.1' }] };
  t.is(fate(rules, 'update.example.com:443', { ...tunnel, client }), 'target_forbidden');
  t.is(fate(rules, '10.1.0.1:443', { ...tunnel, client }), 'target_ip_forbidden');
  t.is(fate(rules, '10.2.0.1:443', { ...tunnel, client }), 'open');
  t.is(fate(rules, '[::ffff:1.1.1.1]:443', { ...tunnel, client }), 'target_ip_forbidden');
  t.is(fate(rules, '1.1.1.1:443'), 'open');
});

test('a denied name stays denied at whatever address, and a denied range behind whatever name', (t) => {
  const rules = rulesOf({ deny: [{ host: 'ads.example.com' }, { cidr: '1.2.3.0/24' }] });
  t.is(rules.judgeAddress('9.9.9.9', 443, { ...tunnel, host: 'ads.example.com' })?.kind, 'target_forbidden');
  t.is(rules.judgeAddress('1.2.3.4', 443, { ...tunnel, host: 'www.example.com' })?.kind, 'target_ip_forbidden');
  t.is(
    rules.judgeAddress('64:ff9b::102:304', 443, { ...tunnel, host: 'www.example.com' })?.kind,
    'target_ip_forbidden',
  );
});

test('a client’s allow opens for that client', (t) => {
  const client = { allow: [{ cidr: '192.168.0.0/16', port: { from: 8000, to: 8999 } }], deny: [] };
  const rules = rulesOf();
  t.is(fate(rules, '192.168.1.1:8080', { ...tunnel, client }), 'open');
  t.is(fate(rules, '192.168.1.1:9090', { ...tunnel, client }), 'target_ip_forbidden');
  t.is(fate(rules, '192.168.1.1:8080'), 'target_ip_forbidden');
});

test('all parts of a rule must match', (t) => {
  const rules = rulesOf({ deny: [{ suffix: '.example.com', port: { from: 8080, to: 8081 }, pool: 'retail' }] });
  t.is(fate(rules, 'a.example.com:8080'), 'target_forbidden');
  t.is(fate(rules, 'a.example.com:8082'), 'open');
  t.is(fate(rules, 'a.example.org:8080'), 'open');
  t.is(fate(rules, 'a.example.com:8080', demo), 'open');
});

test('ports: a tunnel to the web’s and the high ones, forwarding to any but services’', (t) => {
  const rules = rulesOf();
  for (const port of [80, 443, 1024, 8080, 8443, 65_535]) t.is(fate(rules, `example.com:${port}`), 'open', `${port}`);
  for (const port of [1, 21, 22, 25, 81, 110, 445, 465, 587, 993, 1023])
    t.is(fate(rules, `example.com:${port}`), 'target_forbidden', `${port}`);
  const services = [22, 25, 53, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 5984, 6379, 6667, 9042, 9200, 11_211, 27_017];
  for (const port of services) {
    t.is(fate(rules, `example.com:${port}`), 'target_forbidden', `${port}`);
    t.is(fate(rules, `1.1.1.1:${port}`, forward), 'target_forbidden', `${port}`);
  }
  for (const port of [81, 591, 1023, 8000]) t.is(fate(rules, `example.com:${port}`, forward), 'open', `${port}`);
});

test('a rule with a port opens that port for what it matches', (t) => {
  const rules = rulesOf({
    allow: [
      { suffix: 'mail.example', port: { from: 25, to: 25 } },
      { cidr: '127.0.0.0/8', pool: 'demo' },
    ],
  });
  t.is(fate(rules, 'mx.mail.example:25'), 'open');
  t.is(rules.judgeAddress('1.2.3.4', 25, { ...tunnel, host: 'mx.mail.example' }), null);
  t.is(fate(rules, 'example.com:25'), 'target_forbidden');
  t.is(fate(rules, '127.0.0.1:6379', demo), 'target_forbidden');
  const anywhere = rulesOf({ allow: [{ port: { from: 8, to: 90 } }] });
  t.is(fate(anywhere, 'example.com:81'), 'open');
  t.is(fate(anywhere, '10.0.0.1:81'), 'target_ip_forbidden');
});

test('browsers’ own hosts are closed until they are opened', (t) => {
  t.is(fate(rulesOf(), 'clients2.google.com:443'), 'target_forbidden');
  t.is(fate(rulesOf(), 'www.google.com:443'), 'open');
  t.is(fate(rulesOf({ browserHosts: 'allow' }), 'clients2.google.com:443'), 'open');
  t.is(fate(rulesOf({ allow: [{ host: 'accounts.google.com' }] }), 'accounts.google.com:443'), 'open');
});

const everything: readonly Rule[] = [
  { cidr: '0.0.0.0/0' },
  { cidr: '::/0' },
  { suffix: 'localhost' },
  { port: { from: 1, to: 65_535 } },
];

test('our own sockets are never reached, whatever is allowed', (t) => {
  const own = { listeners: [{ host: '127.0.0.1', port: 8080 }], admin: [{ host: '127.0.0.1', port: 9090 }] };
  const rules = rulesOf({ own, allow: everything });
  for (const host of [...spellings('127.0.0.1'), '0.0.0.0', '[::]', 'localhost', 'x.localhost']) {
    t.is(fate(rules, `${host}:8080`), 'loop', host);
    t.is(fate(rules, `${host}:9090`, forward), 'target_ip_forbidden', host);
    t.is(fate(rules, `${host}:8081`), 'open', host);
  }
  t.is(fate(rules, '127.0.0.2:8080'), 'open');
});

test('bound to every address means every local address', (t) => {
  const own = {
    listeners: [
      { host: '0.0.0.0', port: 8080 },
      { host: '::', port: 1080 },
    ],
    local: ['192.0.2.10', '2001:db8::10', 'fe80::1%eth0'],
  };
  const rules = rulesOf({ own, allow: everything, hosts: { 'gw.example.com': ['192.0.2.10'] } });
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '192.0.2.10',
    '[::ffff:192.0.2.10]',
    '[2001:db8::10]',
    '[fe80::1]',
    'gw.example.com',
  ]) {
    t.is(fate(rules, `${host}:8080`), 'loop', host);
    t.is(fate(rules, `${host}:1080`), 'loop', host);
  }
  t.is(fate(rules, '192.0.2.11:8080'), 'open');
});

test('an endpoint may be anywhere but at ourselves', (t) => {
  const own = {
    listeners: [{ host: '0.0.0.0', port: 8080 }],
    admin: [{ host: '127.0.0.1', port: 9090 }],
    local: ['192.0.2.10'],
  };
  const rules = rulesOf({ own });
  t.is(rules.judgeEndpoint('127.0.0.1', 19_171), null);
  t.is(rules.judgeEndpoint('127.0.0.1', 22), null);
  t.is(rules.judgeEndpoint('127.0.0.1', 8080)?.kind, 'loop');
  t.is(rules.judgeEndpoint('::ffff:192.0.2.10', 8080)?.kind, 'loop');
  t.is(rules.judgeEndpoint('127.0.0.1', 9090)?.kind, 'target_ip_forbidden');
  t.is(rules.judgeEndpoint('example.com', 8080)?.kind, 'target_ip_forbidden');
});

test('a rule that is no rule is not passed over', (t) => {
  t.throws(() => rulesOf({ deny: [{ cidr: '10.0.0.0/99' }] }), { instanceOf: RangeError });
  t.throws(() => fate(rulesOf(), '1.1.1.1:443', { ...tunnel, client: { allow: [], deny: [{ cidr: 'x' }] } }), {
    instanceOf: RangeError,
  });
});

test('names as keys are only names', (t) => {
  const rules = rulesOf({ deny: [{ host: '__proto__.example.com' }] });
  t.is(fate(rules, '__proto__.example.com:443', { ...tunnel, pool: '__proto__' }), 'target_forbidden');
  t.is(fate(rules, 'constructor.example.com:443', { ...tunnel, pool: 'constructor' }), 'open');
});

test('no verdict tells an address', (t) => {
  const rules = rulesOf({
    own: { listeners: [{ host: '127.0.0.1', port: 8080 }] },
    deny: [{ host: 'ads.example.com' }],
  });
  for (const target of ['127.0.0.1:8080', '10.1.2.3:443', 'ads.example.com:443', '1.1.1.1:25']) {
    const authority = parseAuthority(target, null);
    if (!authority.ok) return t.fail();
    t.notRegex(rules.judgeTarget(authority.value, tunnel)?.detail ?? '10.', /\d+\.|ads/);
  }
});
