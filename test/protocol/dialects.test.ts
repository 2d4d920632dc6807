import { Buffer } from 'node:buffer';
import test from 'ava';
import { type Dialect, dialects, identify } from '../../src/protocol/dialects.ts';
import type { Params } from '../../src/protocol/params.ts';
import { mutations } from './mutation.ts';

test('our own form is the first candidate, and the only one where no dialect is spoken', (t) => {
  const credential = { username: 'customer-acme-cc-us', password: 's' };
  t.is(identify(credential, []).length, 1);
  t.like(identify(credential, ['oxylabs']), {
    length: 2,
    0: { client: 'customer', secret: 's' },
    1: { client: 'acme' },
  });
  const own = identify({ username: 'acme-country-us', password: 's' }, dialects);
  t.is(own.length, 1);
  t.like(own[0], { client: 'acme', secret: 's' });
  t.deepEqual(own[0]?.params(), { ok: true, value: { country: ['us'] } });
});

interface Understood {
  readonly client: string | null;
  readonly secret?: string;
  readonly params: Params;
}

const understood: readonly (readonly [Dialect, string, string, Understood])[] = [
  ['oxylabs', 'customer-acme', 's', { client: 'acme', params: {} }],
  [
    'oxylabs',
    'customer-acme-cc-US-st-us_california-city-los_angeles-postalcode-90001-ASN-7018',
    's',
    {
      client: 'acme',
      params: { country: ['us'], state: 'california', city: 'los_angeles', zip: '90001', asn: '7018' },
    },
  ],
  ['oxylabs', 'customer-acme-sessid-a1-sesstime-5', 's', { client: 'acme', params: { session: 'a1', ttlMs: 300_000 } }],
  ['oxylabs', 'customer-acme-sessid_oneip-a1', 's', { client: 'acme', params: { session: 'a1', strict: true } }],
  [
    'decodo',
    'user-acme-country-de-city-berlin-session-a1-sessionduration-30',
    's',
    { client: 'acme', params: { country: ['de'], city: 'berlin', session: 'a1', ttlMs: 1_800_000 } },
  ],
  [
    'decodo',
    'user-acme-state-us_ohio-zip-44101-asn-1-session_iplock-a1',
    's',
    { client: 'acme', params: { state: 'ohio', zip: '44101', asn: '1', session: 'a1', strict: true } },
  ],
  [
    'brightdata',
    'brd-customer-acme-zone-Retail-country-us-state-ny-session-a1-const',
    's',
    { client: 'acme', params: { pool: 'retail', country: ['us'], state: 'ny', session: 'a1', strict: true } },
  ],
  [
    'brightdata',
    'lum-customer-acme-zone-z-const-dns-remote',
    's',
    { client: 'acme', params: { pool: 'z', dns: 'remote' } },
  ],
  [
    'brightdata',
    'brd-customer-acme-zone-z-session-const',
    's',
    { client: 'acme', params: { pool: 'z', session: 'const' } },
  ],
  ['apify', 'auto', 's', { client: null, params: {} }],
  [
    'apify',
    'groups-RESIDENTIAL,session-a1,country-US_CA',
    's',
    { client: null, params: { pool: 'residential', session: 'a1', country: ['us'], state: 'ca' } },
  ],
  ['apify', 'country-DE', 's', { client: null, params: { country: ['de'] } }],
  [
    'iproyal',
    'acme',
    's3cret_country-br,us_session-sgn34f3e_lifetime-10m',
    { client: 'acme', secret: 's3cret', params: { country: ['br', 'us'], session: 'sgn34f3e', ttlMs: 600_000 } },
  ],
  [
    'iproyal',
    'acme',
    's_region-europe_lifetime-7d_killswitch-1',
    { client: 'acme', secret: 's', params: { region: 'europe' } },
  ],
  [
    'iproyal',
    'acme',
    's_session-a1_lifetime-7d_killswitch-1',
    { client: 'acme', secret: 's', params: { session: 'a1', ttlMs: 604_800_000, strict: true } },
  ],
];

for (const [dialect, username, password, { client, secret, params }] of understood) {
  test(`${dialect} ${username}:${password}`, (t) => {
    const candidates = identify({ username, password }, [dialect]);
    t.like(candidates, { length: 2, 1: { client, secret: secret ?? password } });
    t.deepEqual(candidates[1]?.params(), { ok: true, value: params });
  });
}

const refusedForms: readonly (readonly [Dialect, string, string, RegExp])[] = [
  ['oxylabs', 'customer-acme-cn-EU', 's', /unknown parameter "cn"/],
  ['oxylabs', 'customer-acme-country-us', 's', /unknown parameter "country"/],
  ['oxylabs', 'customer-acme-cc', 's', /"cc" has no value/],
  ['oxylabs', 'customer-acme-sessid-a-sessid-b', 's', /"sessid" is repeated/],
  ['oxylabs', 'customer-acme-sessid-a-sessid_oneip-b', 's', /"sessid_oneip" is repeated/],
  ['oxylabs', 'customer-acme-sesstime-10m', 's', /minutes/],
  ['oxylabs', 'customer-acme-st-california', 's', /us_/],
  ['oxylabs', 'customer-acme-const', 's', /unknown parameter "const"/],
  ['oxylabs', `customer-acme-sessid-${'x'.repeat(240)}`, 's', /255 octets/],
  ['decodo', 'user-acme-continent-eu', 's', /unknown parameter "continent"/],
  ['brightdata', 'brd-customer-acme-zone-z-ip-1.2.3.4', 's', /unknown parameter "ip"/],
  ['brightdata', 'brd-customer-acme-__proto__-z', 's', /unknown parameter "__proto__"/],
  ['apify', 'groups-A+B', 's', /one group/],
  ['apify', 'session-a-b', 's', /"session" must be/],
  ['apify', 'country-USA', 's', /two-letter/],
  ['iproyal', 'acme', 's_streaming-1', /unknown parameter "streaming"/],
  ['iproyal', 'acme', 's_country', /"country" has no value/],
  ['iproyal', 'acme', 's_', /unknown parameter ""/],
  ['iproyal', 'acme', 's_lifetime-10', /duration/],
];

for (const [dialect, username, password, detail] of refusedForms) {
  test(`${dialect} ${username.slice(0, 60)}:${password} is bad_param`, (t) => {
    const params = identify({ username, password }, [dialect])[1]?.params();
    if (params === undefined || params.ok) return t.fail();
    t.is(params.fault.kind, 'bad_param');
    t.regex(params.fault.detail, detail);
  });
}

test('other forms are not taken for a dialect', (t) => {
  const forms = [
    ['oxylabs', 'acme-cc-us', 's'],
    ['decodo', 'users-acme', 's'],
    ['brightdata', 'customer-acme', 's'],
    ['apify', 'auto,session-a', 's'],
    ['apify', 'acme', 's'],
    ['iproyal', 'acme', 'secret'],
    ['iproyal', 'acme-country-us', 's_country-us'],
    ['scrapoxy', 'acme', 's'],
  ] as const;
  for (const [dialect, username, password] of forms)
    t.is(identify({ username, password }, [dialect]).length, 1, username);
});

test('the field of scrapoxy pins an exit where that dialect is spoken', (t) => {
  const params = (username: string, exitField: string, spoken: readonly Dialect[]) =>
    identify({ username, password: 's' }, spoken, exitField)[0]?.params();
  t.deepEqual(params('acme-tag-a', 'x1', ['scrapoxy']), { ok: true, value: { tag: 'a', exit: 'x1' } });
  t.deepEqual(params('acme-exit-x1', 'x1', ['scrapoxy']), { ok: true, value: { exit: 'x1' } });
  t.deepEqual(params('acme', 'x1', ['oxylabs']), { ok: true, value: {} });
  t.like(params('acme-exit-x2', 'x1', ['scrapoxy']), { ok: false, fault: { kind: 'bad_param' } });
  t.like(params('acme', 'x 1', ['scrapoxy']), { ok: false, fault: { kind: 'bad_param' } });
  t.like(params('acme-no-x', 'x1', ['scrapoxy']), { ok: false, fault: { kind: 'bad_param' } });
});

test('10,000 mutated credentials in all dialects', (t) => {
  const samples = understood.map(([, username, password]) => Buffer.from(`${username}:${password}`));
  for (const octets of mutations(samples, 10_000)) {
    const [username = '', password = ''] = octets.toString('latin1').split(':');
    for (const candidate of identify({ username, password }, dialects, 'x1')) {
      const params = candidate.params();
      if (!params.ok && !/^[\x20-\x7e]*$/.test(params.fault.detail)) t.fail(params.fault.detail);
    }
  }
  t.pass();
});
