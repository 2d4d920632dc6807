import { readdirSync } from 'node:fs';
import test from 'ava';
import { Minting } from '../../src/pool/minting.ts';
import { Template } from '../../src/pool/template.ts';
import { type ProductName, type Protocol, specOfProduct } from '../../src/pool/vendor.ts';
import { type Geo, places } from '../../src/protocol/places.ts';
import { shippedVendor, VENDOR_FOLDER, vendorOf } from './read-vendors.ts';
import { type Grammar, grammars } from './vendor-grammars.ts';

function mintingOf(name: string, product: ProductName, protocol: Protocol, fixed: Geo = {}): Minting {
  const vendor = shippedVendor(name);
  const sold = vendor.products.find((one) => one.name === product)!;
  const account = { username: 'acme', password: 'secret', endpoint: null };
  const spec = specOfProduct(vendor, { product: sold, protocol, account });
  if (!spec.ok) throw new Error(spec.fault.detail);
  const template = Template.read(spec.value);
  if (!template.ok) throw new Error(template.fault.detail);
  return new Minting('pool', template.value, fixed);
}

/** What is asked for, in the words of our user names and of pool files. */
const samples = {
  region: 'Bavaria',
  state: 'New York',
  city: 'san_francisco',
  zip: '10001',
  asn: '7922',
  isp: 'Comcast',
} as const;

/** Every choice of these places, in each of some countries and in none. */
function* choicesOf({ places: known }: Grammar): Generator<Geo> {
  const others = known.filter((place) => place !== 'country');
  for (let bits = 0; bits < 2 ** others.length; bits += 1) {
    const asked = Object.fromEntries(others.filter((_, i) => (bits >> i) & 1).map((place) => [place, samples[place]]));
    yield asked;
    if (known.includes('country')) for (const country of ['us', 'gb']) yield { country, ...asked };
  }
}

const asOurs = ({ country, ...others }: Geo) => (country === undefined ? others : { ...others, country: [country] });

for (const grammar of grammars) {
  const { vendor, product, endpoints, login, ttl, words, may = () => true } = grammar;
  test(`${vendor} ${product}: all that is asked for is told in its grammar, and nothing else is asked`, (t) => {
    const protocols = Object.keys(endpoints) as Protocol[];
    const sold = shippedVendor(vendor).products.find((one) => one.name === product)!;
    t.deepEqual(Object.keys(sold.endpoints).sort(), protocols.toSorted());
    let told = 0;
    for (const protocol of protocols) {
      const minting = mintingOf(vendor, product, protocol);
      t.deepEqual([...minting.open].sort(), grammar.places.toSorted());
      const sessions = new Set<string>();
      for (const asked of choicesOf(grammar)) {
        const can = minting.refusal(asked) === null;
        t.is(can, may(asked), `${protocol} ${JSON.stringify(asked)} ${JSON.stringify(minting.refusal(asked))}`);
        if (!can) continue;
        for (const seconds of [undefined, 90, 600, 86_400 * 30]) {
          const ttlMs = seconds === undefined ? undefined : seconds * 1000;
          const { endpoint } = minting.mint(`key ${told}`, { ...asOurs(asked), ttlMs });
          t.is(endpoint.scheme, protocol);
          t.is(`${endpoint.host}:${endpoint.port}`, endpoints[protocol]!);
          const match = login.exec(`${endpoint.username}\n${endpoint.password}`);
          if (match === null) {
            t.fail(`${endpoint.username} ${endpoint.password}`);
            return;
          }
          const groups = match.groups ?? {};
          for (const place of places) {
            const value = asked[place];
            const area = (place === 'state' || place === 'region') && 'area' in groups;
            const found = area ? (value === undefined ? undefined : groups['area']) : groups[place];
            t.is(found, value === undefined ? undefined : (words[value] ?? value), `${place} of ${endpoint.username}`);
          }
          const within =
            ttl === null || seconds === undefined ? null : Math.min(Math.max(seconds, ttl.least), ttl.most);
          t.is(groups['ttl'], within === null || ttl === null ? undefined : String(Math.ceil(within / ttl.unit)));
          sessions.add(groups['session'] ?? '');
          told += 1;
        }
      }
      t.true(sessions.size >= 4);
      const slots = Array.from({ length: 50 }, (_, slot) => minting.endpointOf(slot));
      t.is(new Set(slots.map((one) => `${one.username}\n${one.password}`)).size, 50);
      for (const one of slots) t.regex(`${one.username}\n${one.password}`, login);
    }
    t.true(told > 0);
  });
}

test('every vendor file and product that comes along is in the table', (t) => {
  const files = readdirSync(VENDOR_FOLDER).map((file) => file.replace('.yaml', ''));
  const shipped = files.flatMap((name) => shippedVendor(name).products.map((product) => `${name} ${product.name}`));
  t.deepEqual(shipped.sort(), grammars.map(({ vendor, product }) => `${vendor} ${product}`).sort());
  t.is(files.length, 12);
});

for (const [vendor, product, asked, ttlMs, login] of [
  [
    'oxylabs',
    'residential',
    { country: 'us', state: 'california', city: 'los_angeles' },
    600_000,
    /^customer-acme-cc-US-st-us_california-city-los_angeles-sessid-[a-z0-9]{16}-sesstime-10$/,
  ],
  [
    'brightdata',
    'residential',
    { country: 'us', state: 'ny' },
    undefined,
    /^acme-country-us-state-ny-session-[a-z0-9]{16}$/,
  ],
  [
    'decodo',
    'residential',
    { country: 'us', city: 'New York' },
    1_800_000,
    /^user-acme-country-us-city-new_york-session-[a-z0-9]{16}-sessionduration-30$/,
  ],
  [
    'apify',
    'residential',
    { country: 'us', state: 'ca' },
    undefined,
    /^groups-RESIDENTIAL,session-[a-z0-9]{16},country-US_CA$/,
  ],
  [
    'dataimpulse',
    'residential',
    { country: 'us', state: 'arizona' },
    undefined,
    /^acme__cr\.us;state\.arizona;sessid\.[a-z0-9]{16}$/,
  ],
  ['webshare', 'residential', { country: 'us', city: 'los_angeles' }, undefined, /^acme-us-city_los_angeles-[1-9]{9}$/],
  [
    'netnut',
    'residential',
    { country: 'us', state: 'alabama', city: 'birmingham' },
    undefined,
    /^acme-res_sc-us_alabama_birmingham-sid-[1-9]{9}$/,
  ],
  ['netnut', 'residential', {}, undefined, /^acme-res-any-sid-[1-9]{9}$/],
  [
    'geonode',
    'residential',
    { country: 'us', zip: '10001' },
    180_000,
    /^acme-type-residential-country-US-zip-10001-session-[a-z0-9]{16}-lifetime-3$/,
  ],
  [
    'massive',
    'residential',
    { country: 'us', state: 'ca', zip: '10001' },
    1_800_000,
    /^acme-country-US-subdivision-CA-zipcode-10001-session-[a-z0-9]{16}-sessionttl-30$/,
  ],
  [
    'soax',
    'residential',
    { country: 'us', city: 'New York' },
    90_000,
    /^package-acme-country-us-city-new\+york-sessionid-[a-z0-9]{16}-sessionlength-90$/,
  ],
] as const) {
  test(`as its pages show it: ${vendor} ${JSON.stringify(asked)}`, (t) => {
    t.regex(mintingOf(vendor, product, 'http').mint('s', { ...asOurs(asked), ttlMs }).endpoint.username!, login);
  });
}

for (const [vendor, asked, ttlMs, password] of [
  [
    'iproyal',
    { country: 'us', state: 'iowa' },
    600_000,
    /^secret_country-us_state-iowa_session-[a-z0-9]{8}_lifetime-600s$/,
  ],
  ['evomi', { country: 'de', asn: '3320' }, undefined, /^secret_country-DE_asn-AS3320_session-[a-z0-9]{10}$/],
] as const) {
  test(`as its pages show it, in the password: ${vendor}`, (t) => {
    const { endpoint } = mintingOf(vendor, 'residential', 'http').mint('s', { ...asOurs(asked), ttlMs });
    t.is(endpoint.username, 'acme');
    t.regex(endpoint.password!, password);
  });
}

const head = 'vendor: x\nusername: "{username}-{session}"\n';
for (const [title, text, fault] of [
  ['an unknown key', `${head}product: {}\nproducts: {}`, /^x.yaml:3:1 product unknown key: did you mean "products"/],
  ['no product', `${head}products: {}`, /^x.yaml:3:11 products expected one of residential/],
  [
    'no endpoint',
    `${head}products: { dc: { endpoints: {} } }`,
    /^x.yaml:3:30 products.dc.endpoints expected one of http/,
  ],
  [
    'no user name',
    'vendor: x\nproducts: { dc: { endpoints: { http: "h:1" } } }',
    /^x.yaml:2:17 products.dc it needs a username/,
  ],
  [
    'a placeholder that nobody knows',
    'vendor: x\nusername: "{user}"\nproducts: { dc: { endpoints: { http: "h:1" } } }',
    /^x.yaml:2:11 username only \{session\}.*may stand in braces/,
  ],
  [
    'an endpoint without port',
    `${head}products: { dc: { endpoints: { http: h } } }`,
    /^x.yaml:3:38 products.dc.endpoints.http an endpoint is written host:port/,
  ],
  [
    'a rule of nothing',
    `${head}values: { city: { case: title } }\nproducts: { dc: { endpoints: { http: "h:1" } } }`,
    /^x.yaml:3:25 values.city.case expected lower or upper/,
  ],
  [
    'a length',
    `${head}session: { alphabet: a-z, length: long }\nproducts: { dc: { endpoints: { http: "h:1" } } }`,
    /^x.yaml:3:35 session.length expected a length such as 8, or 6-10/,
  ],
  [
    'a range of nothing',
    `${head}ttl: { least: 2h, most: 1h }\nproducts: { dc: { endpoints: { http: "h:1" } } }`,
    /^x.yaml:3:6 ttl "least" is more than "most"/,
  ],
] as const) {
  test(`fault in a vendor file: ${title}`, (t) => {
    t.regex(t.throws(() => vendorOf(text)).message, fault);
  });
}
