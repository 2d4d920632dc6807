import { Buffer } from 'node:buffer';
import test from 'ava';
import { formatParams, mergeParams, type Params } from '../../src/protocol/params.ts';
import { clientNameOf, parseParamText, parseUsername } from '../../src/protocol/username.ts';
import { mutations } from './mutation.ts';

const whole =
  'pool-retail-tier-res-country-us.ca-region-europe-state-ny-city-new_york-zip-10001-asn-7018-isp-att' +
  '-session-Cart42-ttl-10m-idle-30s-strict-1-exit-x7f2-not-x8-retry-5-timeout-20s-ip-6-dns-local-tag-Nightly';

const all: Params = {
  pool: 'retail',
  tier: 'res',
  country: ['us', 'ca'],
  region: 'europe',
  state: 'ny',
  city: 'new_york',
  zip: '10001',
  asn: '7018',
  isp: 'att',
  session: 'Cart42',
  ttlMs: 600_000,
  idleMs: 30_000,
  strict: true,
  exit: 'x7f2',
  not: 'x8',
  retry: 5,
  timeoutMs: 20_000,
  ip: 6,
  dns: 'local',
  tag: 'Nightly',
};

test('every key is read, and written in the same order', (t) => {
  t.deepEqual(parseUsername(`acme-${whole}`), { ok: true, value: { client: 'acme', params: all } });
  t.is(formatParams(all), whole);
});

test('a client alone asks for nothing', (t) => {
  t.deepEqual(parseUsername('a.b_9'), { ok: true, value: { client: 'a.b_9', params: {} } });
  t.deepEqual(parseParamText(''), { ok: true, value: {} });
  t.is(formatParams({}), '');
});

const readings: readonly (readonly [string, Params])[] = [
  ['COUNTRY-US.De', { country: ['us', 'de'] }],
  ['Pool-Retail', { pool: 'retail' }],
  ['session-A~b.c_D', { session: 'A~b.c_D' }],
  ['ttl-10', { ttlMs: 600_000 }],
  ['idle-1', { idleMs: 60_000 }],
  ['timeout-5', { timeoutMs: 5000 }],
  ['ttl-24H', { ttlMs: 86_400_000 }],
  ['ttl-720h', { ttlMs: 2_592_000_000 }],
  ['strict-0', { strict: false }],
  ['retry-0', { retry: 0 }],
  ['asn-AS7018', { asn: '7018' }],
  ['dns-REMOTE', { dns: 'remote' }],
  ['ip-4', { ip: 4 }],
  [`tag-${'x'.repeat(64)}`, { tag: 'x'.repeat(64) }],
  ['tier-AUTO', { tier: 'auto' }],
  ['hedge-1', { hedge: true }],
  ['session-constructor', { session: 'constructor' }],
];

for (const [text, params] of readings) {
  test(`${text.slice(0, 30)} is read`, (t) => t.deepEqual(parseParamText(text), { ok: true, value: params }));
}

/** What is refused, and what the detail must say of it. */
const refusals: readonly (readonly [string, RegExp])[] = [
  ['acme-', /empty parameter/],
  ['acme--us', /empty parameter/],
  ['acme-country', /"country" has no value/],
  ['acme-country-', /"country" must be 1 to 64/],
  ['acme-country-us-', /empty parameter after "country-us"/],
  ['acme-color-red', /unknown parameter "color"/],
  ['acme-__proto__-x', /unknown parameter "__proto__"/],
  ['acme-constructor-x', /unknown parameter "constructor"/],
  ['acme-country-us-country-de', /"country" is repeated/],
  ['acme-Country-us-COUNTRY-us', /"country" is repeated/],
  ['acme-session-550e8400-e29b-41d4-a716-446655440000', /"e29b" after "session-550e8400".*UUID without hyphens/],
  ['acme-session-a-b', /"b" after "session-a".*UUID without hyphens/],
  ['acme-hedge-yes', /0 or 1/],
  ['acme-maxkb-100', /"maxkb" is not yet supported/],
  ['acme-tier-cheap', /dc, isp, res, mobile or auto/],
  ['acme-country-usa', /two-letter/],
  ['acme-country-us..de', /two-letter/],
  ['acme-country-u1', /two-letter/],
  ['acme-asn-x', /autonomous system/],
  ['acme-strict-yes', /0 or 1/],
  ['acme-retry-6', /0 to 5/],
  ['acme-retry-01', /0 to 5/],
  ['acme-ip-5', /4 or 6/],
  ['acme-dns-both', /local or remote/],
  ['acme-ttl-0', /duration/],
  ['acme-ttl-10d', /duration/],
  ['acme-ttl-10ms', /duration/],
  ['acme-ttl-1.5h', /duration/],
  ['acme-ttl-721h', /duration/],
  ['acme-ttl-99999999999', /duration/],
  ['acme-session-a b', /"session" must be/],
  ['acme-session-a%20', /"session" must be/],
  ['acme-session-ü', /"session" must be/],
  ['acme-session-a\r\nX', /"session" must be/],
  [`acme-tag-${'x'.repeat(65)}`, /"tag" must be/],
  ['Acme-tag-x', /client name/],
  ['-tag-x', /client name/],
  ['', /client name/],
  [`${'a'.repeat(33)}`, /client name/],
  [`acme-${'tag-x-'.repeat(50)}`, /255 octets/],
  [`acme-tag-${'ü'.repeat(124)}`, /255 octets/],
];

for (const [username, detail] of refusals) {
  test(`${JSON.stringify(username.slice(0, 50))} is bad_param`, (t) => {
    const read = parseUsername(username);
    if (read.ok) return t.fail();
    t.is(read.fault.kind, 'bad_param');
    t.regex(read.fault.detail, detail);
    t.regex(read.fault.detail, /^[\x20-\x7e]*$/);
  });
}

test('a foreign token is quoted only as far as it is harmless', (t) => {
  const read = parseUsername('acme-\u202e<b>"\r\n-x');
  t.is(read.ok ? '' : read.fault.detail, 'unknown parameter "??b????"');
});

test('the client is looked up by what stands before the first hyphen', (t) => {
  t.is(clientNameOf('acme-country-us'), 'acme');
  t.is(clientNameOf('acme'), 'acme');
  t.is(clientNameOf('-x'), '');
});

test('what is given goes over the defaults, key by key', (t) => {
  const merged = mergeParams({ country: ['us'], strict: true }, { country: ['de'], retry: 0 });
  t.deepEqual(merged, { ok: true, value: { country: ['de'], strict: true, retry: 0 } });
});

test('what is said of a session needs one, be it the default one; defaults may wait for theirs', (t) => {
  for (const given of [{ strict: true }, { ttlMs: 1_000 }, { idleMs: 1_000 }]) {
    const alone = mergeParams({ ttlMs: 2_000, idleMs: 2_000, strict: true }, given);
    t.regex(alone.ok ? '' : `${alone.fault.kind}: ${alone.fault.detail}`, /^bad_param: "(strict|ttl|idle)" needs/);
    t.deepEqual(mergeParams({ session: 'a' }, given), { ok: true, value: { session: 'a', ...given } });
    t.true(mergeParams(given, { country: ['de'] }).ok);
    t.true(mergeParams(given, { session: 'a' }).ok);
  }
});

test('10,000 mutated user names: what is taken is written as it is read', (t) => {
  const samples = [`acme-${whole}`, 'acme', 'acme-country-us-ttl-10m', 'a-tag-x'].map((text) => Buffer.from(text));
  for (const octets of mutations(samples, 10_000)) {
    const read = parseUsername(octets.toString('latin1'));
    if (!read.ok) continue;
    const again = parseParamText(formatParams(read.value.params));
    t.deepEqual(again, { ok: true, value: read.value.params });
  }
  t.pass();
});
