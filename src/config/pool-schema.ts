import Type, { type StaticDecode } from 'typebox';
import { decimalsOf, PRICE_DECIMALS } from '../protocol/decimal.ts';
import { parseCidr } from './cidr.ts';
import { listFormat, listScheme } from './list-schema.ts';
import { poolProbe } from './probe-schema.ts';
import * as t from './schema-terms.ts';
import { api, command, remoteList } from './source-schema.ts';
import { limits, productNames, span } from './vendor-schema.ts';

const country = t.meaning('a two-letter country code', (text) => {
  const valid = /^[A-Za-z]{2}$/.test(text);
  return valid
    ? { ok: true, value: text.toLowerCase() }
    : { ok: false, message: 'expected a two-letter country code (ISO 3166-1)' };
});

/** As a vendor's template wants it: the case is kept. */
const templateCountry = t.text('a two-letter country code', /^[A-Za-z]{2}$/);

const asn = Type.Decode(
  Type.Union(
    [Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1 }), Type.String({ pattern: '^(?:[Aa][Ss])?[1-9][0-9]{0,9}$' })],
    {
      description: 'the number of an autonomous system, such as 3320 or AS3320',
    },
  ),
  (written) => String(written).replace(/^as/i, ''),
);

/** Where exits stand: for a whole pool, and for one entry over it. */
const geo = {
  country: t.optional(country),
  region: t.optional(t.text('a text')),
  state: t.optional(t.text('a text')),
  city: t.optional(t.text('a text')),
  zip: t.optional(t.text('a text in quotes, so that leading zeros stay')),
  asn: t.optional(asn),
  isp: t.optional(t.text('a text')),
};

const ip = t.optional(Type.Union([Type.Literal(4), Type.Literal(6)], { description: '4 or 6' }));
const path = t.text('a path');

/** What can be said of exits that are dialled. */
const dialled = {
  ...geo,
  ip,
  dns: t.optional(t.oneOf(['local', 'remote'])),
  verify: t.flag(true),
  ca: t.optional(path),
  name: t.optional(t.text('a name')),
};

/** What can be said of exits that are minted: places as their vendor wants them, or as we write them. */
const minted = {
  countries: t.list(templateCountry, []),
  regions: t.list(t.text('a text'), []),
  states: t.list(t.text('a text'), []),
  cities: t.list(t.text('a text'), []),
  zips: t.list(t.text('a text in quotes, so that leading zeros stay'), []),
  asns: t.list(asn, []),
  isps: t.list(t.text('a text'), []),
  slots: t.optional(t.whole(1, 1_000_000)),
  ttl: span(),
  lifetime: span(),
  limits: t.optional(limits),
};

/** The forms of an entry of `exits`, by the key that tells them apart. */
export const entrySchemas = {
  url: t.mapping({ url: t.text('the URL of an exit'), ...dialled }),
  list: t.mapping({
    list: path,
    format: listFormat,
    scheme: listScheme,
    ...dialled,
  }),
  remoteList: t.mapping({ ...remoteList, ...dialled }),
  api: t.mapping({ api, ...dialled }),
  command: t.mapping({ ...command, ...dialled }),
  template: t.mapping({
    template: t.text('the URL of an exit, with {session} or {country} in it'),
    ...minted,
    ...dialled,
  }),
  vendor: t.mapping({
    vendor: t.text('the name of a vendor', /^[a-z0-9._~]{1,64}$/),
    product: t.optional(t.oneOf(productNames)),
    protocol: t.optional(t.oneOf(['http', 'https', 'socks5', 'socks5h'])),
    endpoint: t.optional(t.text('host:port')),
    username: t.text('a user name', undefined, ''),
    password: t.text('a password', /^[^\x00-\x1f\x7f]*$/, ''),
    ...minted,
    ...dialled,
  }),
  direct: t.mapping({
    direct: Type.Literal(true, { description: 'true' }),
    ...geo,
    ip,
    name: t.optional(t.text('a name')),
  }),
  directRange: t.mapping({
    direct: t.mapping({
      from: t.meaning('a range of addresses on this machine', parseCidr),
      count: t.optional(t.whole(1, 65_536)),
    }),
    ...geo,
    name: t.optional(t.text('a name')),
  }),
  demo: t.mapping({
    demo: t.mapping({ http: t.whole(0, 100, 0), https: t.whole(0, 100, 0), socks5: t.whole(0, 100, 0) }),
  }),
};

/** Money is counted to a millionth of a millionth: what is finer would be lost in silence. */
const amount = Type.Optional(
  Type.Refine(
    Type.Number({ minimum: 0, maximum: 1e6, description: 'a price from 0 to 1000000' }),
    (value) => decimalsOf(value) <= PRICE_DECIMALS,
    () => `expected a price with ${PRICE_DECIMALS} decimals at most`,
  ),
);

const price = Type.Refine(
  t.mapping({
    perGB: amount,
    perRequest: amount,
    perIpMonth: amount,
    currency: t.text('a currency code such as USD', /^[A-Z]{3}$/, 'USD'),
  }),
  ({ perGB, perRequest, perIpMonth }) => [perGB, perRequest, perIpMonth].some((part) => part !== undefined),
  () => 'expected at least one of perGB, perRequest, perIpMonth',
);

/** A pool file but for the form of its entries. */
export const poolSchema = t.mapping({
  pool: t.text('a name: 1 to 64 of a-z 0-9 . _ ~', /^[a-z0-9._~]{1,64}$/),
  tier: t.oneOf(['dc', 'isp', 'res', 'mobile'], 'dc'),
  price: t.optional(price),
  strategy: t.oneOf(['learned', 'two-choices', 'least-in-flight', 'round-robin', 'random'], 'learned'),
  hedge: t.flag(false),
  probe: poolProbe,
  ...geo,
  exits: t.list(Type.Unknown()),
});

/** A pool file as its schema decodes it. */
export type PoolDocument = StaticDecode<typeof poolSchema>;
