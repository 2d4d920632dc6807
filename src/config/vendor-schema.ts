import Type, { type StaticDecode } from 'typebox';
import { places } from '../protocol/places.ts';
import { parseDuration } from '../protocol/units.ts';
import * as t from './schema-terms.ts';

/** What a vendor may sell, and be dialled with. */
export const productNames = ['residential', 'mobile', 'isp', 'dc'] as const;
export const protocols = ['http', 'https', 'socks5'] as const;

const pattern = t.text('a text with placeholders in braces');
const countryCode = t.text('a two-letter country code in small letters', /^[a-z]{2}$/);
const alphabet = t.text('characters and ranges of them, such as a-z0-9_', /^[\x21-\x39\x3b-\x3f\x41-\x7e]{1,64}$/);

/** From how many characters to how many. */
const length = t.meaning('a length such as 8, or 6-10', (text) => {
  const [, from = '', to = from] = /^([1-9][0-9]{0,2})(?:-([1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const range = { least: Number(from), most: Number(to) };
  return range.least > 0 && range.least <= range.most
    ? { ok: true, value: range }
    : { ok: false, message: 'expected a length such as 8, or 6-10' };
});
const lengths = Type.Decode(
  Type.Union([Type.Integer({ minimum: 1, maximum: 999 }), length], { description: 'a length such as 8, or 6-10' }),
  (written) => (typeof written === 'number' ? { least: written, most: written } : written),
);

const rule = t.mapping({
  case: t.oneOf(['lower', 'upper'], 'lower'),
  space: t.optional(
    Type.String({ pattern: '^[\\x20-\\x39\\x3b-\\x3f\\x41-\\x7e]?$', description: 'a character, or nothing' }),
  ),
  map: Type.Record(Type.String(), t.text('a word of the vendor'), { description: 'a mapping', default: {} }),
  alphabet: t.optional(alphabet),
  length: t.optional(lengths),
  needs: t.list(t.oneOf(places), []),
  excludes: t.list(t.oneOf(places), []),
  countries: t.optional(t.list(countryCode)),
});

/** What an account may do: of a vendor's own making, or of the plan that was bought. */
export const limits = Type.Refine(
  t.mapping({
    concurrency: t.optional(t.whole(1, 1_000_000)),
    perSecond: t.optional(t.whole(1, 65_535)),
  }),
  ({ concurrency, perSecond }) => concurrency !== undefined || perSecond !== undefined,
  () => 'expected at least one of concurrency, perSecond',
);

/** What an account may do at once, and begin in a second. Null where that isn't limited. */
export interface AccountLimits {
  readonly concurrency: number | null;
  readonly perSecond: number | null;
}

/** The limits as written; null where none are. */
export function accountLimitsOf(written: StaticDecode<typeof limits> | undefined): AccountLimits | null {
  return written === undefined
    ? null
    : { concurrency: written.concurrency ?? null, perSecond: written.perSecond ?? null };
}

/** A duration, as ms, that may be left out. */
export const span = () => t.optional(t.meaning('a duration such as 30s, 10m or 24h', parseDuration));

/** What can be said for all products of a vendor, and of one over that. */
const common = {
  username: t.optional(pattern),
  password: t.optional(pattern),
  values: t.optional(
    t.mapping({
      country: t.optional(rule),
      region: t.optional(rule),
      state: t.optional(rule),
      city: t.optional(rule),
      zip: t.optional(rule),
      asn: t.optional(rule),
      isp: t.optional(rule),
    }),
  ),
  session: t.optional(t.mapping({ alphabet, length: lengths })),
  ttl: t.optional(t.mapping({ least: t.duration('1s', 1000), most: t.duration('24h', 1000) })),
  lifetime: span(),
  idle: span(),
  limits: t.optional(limits),
};

const product = t.mapping({
  endpoints: t.mapping({ http: t.optional(pattern), https: t.optional(pattern), socks5: t.optional(pattern) }),
  ...common,
});

/** A vendor file. */
export const vendorSchema = t.mapping({
  vendor: t.text('a name: 1 to 64 of a-z 0-9 . _ ~', /^[a-z0-9._~]{1,64}$/),
  ...common,
  products: t.mapping({
    residential: t.optional(product),
    mobile: t.optional(product),
    isp: t.optional(product),
    dc: t.optional(product),
  }),
});

/** A vendor file as its schema decodes it. */
export type VendorDocument = StaticDecode<typeof vendorSchema>;
export type ProductDocument = StaticDecode<typeof product>;
