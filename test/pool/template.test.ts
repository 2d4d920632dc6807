import test from 'ava';
import fc from 'fast-check';
import { digestNumber, digestWord } from '../../src/pool/digest.ts';
import { Minting } from '../../src/pool/minting.ts';
import { Template } from '../../src/pool/template.ts';
import { specOfUrl, type TemplateSpec } from '../../src/pool/template-spec.ts';
import { plainRule } from '../../src/pool/value-rule.ts';
import { type Geo, places } from '../../src/protocol/places.ts';

const url = 'http://customer-acme-cc-{country}-sessid-{session}:pw@{country}.pr.example:7777';

function read(text: string) {
  const spec = specOfUrl(text);
  return spec.ok ? Template.read(spec.value) : spec;
}

function templateOf(text: string): Template {
  const template = read(text);
  if (!template.ok) throw new Error(template.fault.detail);
  return template.value;
}

const mintingOf = (text: string, fixed: Geo = {}) => new Minting('pool', templateOf(text), fixed);

/** One written as vendor files are. */
function vendorTemplate(terms: Partial<TemplateSpec>): Template {
  const spec = specOfUrl('http://gate.example:1');
  if (!spec.ok) throw new Error(spec.fault.detail);
  const template = Template.read({ ...spec.value, encoded: false, ...terms });
  if (!template.ok) throw new Error(template.fault.detail);
  return template.value;
}

test('placeholders stand in user, password, host and port', (t) => {
  const words = { word: (_: string, __: string, length: number) => 'w'.repeat(length), port: () => 3 };
  const template = templateOf('socks5h://acme-{random:4}:p%20w_c-{country}_t-{ttl}@{country}.h:{port:100-199}');
  t.deepEqual(template.render({ ...words, places: { country: 'US' }, ttlMs: 600_000 }), {
    scheme: 'socks5',
    host: 'us.h',
    port: 103,
    username: 'acme-wwww',
    password: 'p w_c-US_t-10',
  });
  t.is(template.render({ ...words, places: {}, ttlMs: 600_000 }), undefined);
  t.is(template.sessions, Number.POSITIVE_INFINITY);
  t.is(templateOf('http://u:p@h:{port:100-199}').sessions, 100);
  t.is(templateOf('http://u:p@[::1]:8080').sessions, 1);
});

test('a place is refused where a duration beside it makes a user name that is too long to be told', (t) => {
  const template = templateOf(
    'socks5://customer-acme-residential[-st-{state}][-city-{city}][-isp-{isp}]-s-{session}[-t-{ttl}]:pw@h:1',
  );
  const longWith = (isp: number) => ({ state: 'a'.repeat(64), city: 'b'.repeat(64), isp: 'c'.repeat(isp) });
  const minting = new Minting('pool', template, {});
  for (const ttlMs of [undefined, 60_000, 30 * 24 * 3_600_000]) {
    for (let isp = 30; isp <= 64; isp++) {
      const asked = longWith(isp);
      if (minting.refusal(asked) !== null) continue;
      const { username = '' } = minting.mint('key', { ...asked, ttlMs }).endpoint;
      t.true(username.length <= 255, `${isp}: ${username.length}`);
    }
  }
  t.is(minting.refusal(longWith(30)), null);
  t.is(minting.refusal(longWith(64))?.message, 'the credential is longer than 255 octets (RFC 1929)');
});

test('a part in brackets stands only where its values are given, and the first of several that can', (t) => {
  const words = { word: () => 's', port: () => 0 };
  const template = templateOf('http://u[-cc-{country}[-st-{state}]|-asn-{asn}]-s-{session}[-t-{ttl:s}]:a[b]c@h:1');
  const user = (given: Geo, ttlMs: number | null = null) =>
    template.render({ ...words, places: given, ttlMs })?.username;
  t.is(user({}), 'u-s-s');
  t.is(user({ country: 'us' }), 'u-cc-us-s-s');
  t.is(user({ country: 'us', state: 'x', asn: '1' }), 'u-cc-us-st-x-s-s');
  t.is(user({ asn: '1', state: 'x' }, 90_000), 'u-asn-1-s-s-t-90');
  t.is(template.render({ ...words, places: {}, ttlMs: null })?.password, 'a[b]c');
});

for (const [text, fault] of [
  ['http://{sesion}:hunter2@h:1', /^only \{session\}, .* may stand in braces/],
  ['http://{session}:{hunter2}@h:1', /^only \{session\}.*%7B/],
  ['http://{session}:hunter2{@h:1', /^only \{session\}/],
  ['http://{username}:hunter2@h:1', /^only \{session\}/],
  ['http://{session}:hunter2@h:{port}', '{port} needs a range, such as {port:10001-19999}'],
  ['http://{session}:hunter2@h:{port:9-3}', '{port} needs a range, such as {port:10001-19999}'],
  ['http://{session}:hunter2@h:1{port:1-9}', /^the port is a number, or a range/],
  ['http://{session:8}:hunter2@h:1', '{session} takes no argument'],
  ['http://{random}:hunter2@h:1', /^\{random\} needs a length/],
  ['http://{random:99}:hunter2@h:1', /^\{random\} needs a length/],
  ['http://{session}-{ttl:d}:hunter2@h:1', /^\{ttl\} is in minutes/],
  ['http://u[-{session}[-{ttl}]:hunter2@h:1', /^a "\[" stands without/],
  ['http://u[-x|-{session}]:hunter2@h:1', /^a part in brackets needs a value/],
  ['http://{session}:hunter2%zz@h:1', /percent-encoded/],
  ['http://a%3Ab-{session}:hunter2@h:1', /colon/],
  ['gopher://{session}:hunter2@h:1', /^the scheme of a template is one of/],
  ['{session}:hunter2@h:1', /scheme:\/\/user/],
  ['http://{session}:hunter2@h_{city}..x:1', /host/],
  [`socks5://${'u'.repeat(240)}{session}:hunter2@h:1`, /longer than 255 octets/],
] as const) {
  test(`fault: ${text.slice(0, 40)}`, (t) => {
    const template = read(text);
    t.false(template.ok);
    if (template.ok) return;
    if (typeof fault === 'string') t.is(template.fault.detail, fault);
    else t.regex(template.fault.detail, fault);
    t.false(template.fault.detail.includes('hunter2'));
  });
}

test('a slot keeps its session id, and shares it with no other', (t) => {
  const minting = mintingOf(url, { country: 'us' });
  const ids = Array.from({ length: 1000 }, (_, slot) => minting.endpointOf(slot).username!);
  t.is(new Set(ids).size, 1000);
  t.true(ids.every((id) => /^customer-acme-cc-us-sessid-[a-z2-7]{16}$/.test(id)));
  t.is(mintingOf(url, { country: 'us' }).endpointOf(7).username, ids[7]);
  t.is(minting.endpointOf(0).host, 'us.pr.example');
  t.false(ids.some((id) => id.endsWith(mintingOf(url, { country: 'de' }).endpointOf(7).username!.slice(-16))));
});

test('another epoch is another id, and ports are given out in turn', (t) => {
  const minting = mintingOf(url, { country: 'us' });
  t.not(minting.endpointOf(7, 1).username, minting.endpointOf(7).username);
  t.not(minting.endpointOf(7, 1).username, minting.endpointOf(7, 2).username);
  const ports = mintingOf('http://u:p@h:{port:100-149}');
  t.is(new Set(Array.from({ length: 50 }, (_, slot) => ports.endpointOf(slot).port)).size, 50);
});

test('a session is given an id of its own, always the same, and another for other places', (t) => {
  const minting = mintingOf('http://u[-cc-{country}][-city-{city}]-{session}:p@h:1');
  t.deepEqual(minting.mint('cart42', {}), minting.mint('cart42', {}));
  t.notDeepEqual(minting.mint('cart42', {}), minting.mint('cart43', {}));
  t.regex(minting.mint('\u0000: @', {}).endpoint.username!, /^u-[a-z2-7]{16}$/);
  const berlin = minting.mint('cart42', { country: ['de'], city: 'berlin' });
  t.regex(berlin.endpoint.username!, /^u-cc-de-city-berlin-[a-z2-7]{16}$/);
  t.deepEqual(berlin.geo, { country: 'de', city: 'berlin' });
  t.not(berlin.endpoint.username!.slice(-16), minting.mint('cart42', {}).endpoint.username!.slice(-16));
});

test('of several countries a session gets one that stays, and sessions get all', (t) => {
  const minting = mintingOf('http://u[-cc-{country}]-{session}:p@h:1');
  const asked = { country: ['us', 'de', 'fr'] };
  const given = Array.from({ length: 60 }, (_, i) => minting.mint(`s${i}`, asked).geo.country);
  t.deepEqual([...new Set(given)].sort(), ['de', 'fr', 'us']);
  t.is(minting.mint('s0', asked).geo.country, given[0]);
});

test('what a pool settles is not open to requests', (t) => {
  const minting = mintingOf('http://u-cc-{country}[-city-{city}]-{session}:p@h:1', { country: 'us' });
  t.deepEqual([...minting.open], ['city']);
  t.regex(minting.mint('s', { country: ['us'], city: 'boston' }).endpoint.username!, /^u-cc-us-city-boston-/);
});

test('a duration is asked for in whole units, within what the vendor takes', (t) => {
  const template = vendorTemplate({
    username: 'u-{session}[-{ttl:m}]',
    leastTtlMs: 180_000,
    mostTtlMs: 3_600_000,
    lifetimeMs: 600_000,
  });
  const minting = new Minting('pool', template, {});
  const ttlOf = (ttlMs?: number) => minting.mint('s', { ttlMs }).endpoint.username!.split('-')[2];
  t.is(ttlOf(), undefined);
  t.is(ttlOf(1_000), '3');
  t.is(ttlOf(1_230_000), '21');
  t.is(ttlOf(86_400_000), '60');
  t.is(minting.lifetimeMs(null), 600_000);
  t.is(minting.lifetimeMs(1_230_000), 1_260_000);
  t.is(minting.lifetimeMs(86_400_000), 3_600_000);
});

test('places are spelled as the vendor does, or refused', (t) => {
  const rule = plainRule('city');
  const template = vendorTemplate({
    username: 'u[-cc-{country}][-st-us_{state}][-city-{city}][-zip-{zip}][-asn-{asn}]-{session}',
    rules: {
      country: { ...plainRule('country'), case: 'upper', map: { gb: 'UK' } },
      state: { ...plainRule('state'), countries: ['us'] },
      city: { ...rule, space: '+', needs: ['country'] },
      zip: { ...plainRule('zip'), alphabet: '0-9', least: 5, most: 5, excludes: ['city'] },
    },
  });
  const minting = new Minting('pool', template, {});
  const user = (asked: Geo) => {
    const { country, ...others } = asked;
    const made = minting.mint('s', { ...others, ...(country === undefined ? {} : { country: [country] }) });
    return made.endpoint.username!.replace(/^u|-[^-]*$/g, '');
  };
  t.is(user({ country: 'gb', city: 'new_york' }), '-cc-UK-city-new+york');
  t.is(user({ country: 'br', city: 'São Paulo' }), '-cc-BR-city-sao+paulo');
  t.is(user({ country: 'us', state: 'New~Hampshire' }), '-cc-US-st-us_new_hampshire');
  t.is(user({ asn: '3320' }), '-asn-3320');
  const why = (asked: Geo) => minting.refusal(asked)?.message ?? null;
  t.is(why({ country: 'us', city: 'x' }), null);
  t.is(why({ city: 'x' }), 'the vendor is asked for a city together with its country');
  t.is(why({ country: 'de', state: 'x' }), 'the vendor can be asked for a state of us only');
  t.is(why({ country: 'us', zip: '1234' }), 'the vendor takes as zip 5 characters of 0-9');
  t.is(why({ country: 'us', zip: '12345', city: 'x' }), "the vendor can't be asked for zip and city at once");
  t.is(why({ country: 'us', city: 'Łódź' }), 'the vendor takes as city 1 to 64 characters letters and digits');
  t.is(why({ country: 'us', isp: 'x' }), null, 'what it does not take is not open, and not its concern');
});

/** What a client may write, and what an operator may. */
const written = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._~]{1,64}$/),
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    'a-sessid-b',
    'x:y',
    'x@evil.example',
    'de;sessid.1',
    'us,session-1',
    'a_session-b',
    'ſ',
    'K',
    '../..',
    '%2d',
  ),
);

test('no value ends its part: neither separators nor the ends of user, password and host come of one', (t) => {
  const parts = places.map((place) => `[-${place}-{${place}}]`).join('');
  const template = vendorTemplate({
    username: `u${parts}-sessid-{session}`,
    password: '{password}',
    host: 'gate[.{city}].example',
  });
  const minting = new Minting('pool', template, {});
  const property = fc.property(
    fc.record(Object.fromEntries(places.map((place) => [place, fc.option(written, { nil: undefined })]))),
    (asked) => {
      if (minting.refusal(asked) !== null) return;
      const { country, ...others } = asked;
      const { endpoint } = minting.mint('s', { ...others, ...(country === undefined ? {} : { country: [country] }) });
      const told = places.filter((place) => asked[place] !== undefined);
      const form = told.map((place) => `-${place}-[a-z0-9_]+`).join('');
      t.regex(endpoint.username!, new RegExp(`^u${form}-sessid-[a-z2-7]{16}$`));
      t.regex(endpoint.host, /^gate(?:\.[a-z0-9_]+)?\.example$/);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

test('words and numbers depend on all parts, which are kept apart', (t) => {
  t.is(digestWord(['a'], 'abc', 10), digestWord(['a'], 'abc', 32).slice(0, 10));
  t.not(digestWord(['ab', 'c'], 'abcdefgh', 16), digestWord(['a', 'bc'], 'abcdefgh', 16));
  t.regex(digestWord(['a'], '0123456789', 32), /^[0-9]{32}$/);
  const drawn = Array.from({ length: 3000 }, (_, i) => digestNumber([String(i)], 3));
  for (const one of [0, 1, 2]) t.true(Math.abs(drawn.filter((n) => n === one).length - 1000) < 150);
});
