import { type Place, places } from '../protocol/places.ts';
import { checkDocument } from './document-check.ts';
import type { ConfigFault, Path } from './fault.ts';
import {
  type AccountLimits,
  accountLimitsOf,
  type ProductDocument,
  productNames,
  type VendorDocument,
  vendorSchema,
} from './vendor-schema.ts';
import type { YamlFile } from './yaml-file.ts';

/** How a vendor spells one kind of place. `alphabet` is null for letters, digits and `space`. */
export interface ValueRule {
  readonly case: 'lower' | 'upper';
  readonly space: string;
  readonly map: Readonly<Record<string, string>>;
  readonly alphabet: string | null;
  readonly least: number;
  readonly most: number;
  readonly needs: readonly Place[];
  readonly excludes: readonly Place[];
  readonly countries: readonly string[] | null;
}

/** One product of a vendor, with what the file says for all of them. Durations are in ms. */
export interface VendorProductContent {
  readonly name: (typeof productNames)[number];
  readonly endpoints: ProductDocument['endpoints'];
  readonly username: string;
  readonly password: string;
  readonly rules: { readonly [Name in Place]?: ValueRule };
  readonly alphabet: string;
  readonly length: number;
  readonly leastTtlMs: number;
  readonly mostTtlMs: number;
  readonly ttlMs: null;
  readonly lifetimeMs: number | null;
  readonly idleMs: number | null;
  readonly limits: AccountLimits;
}

/** A vendor file without faults of form. */
export interface VendorContent {
  readonly name: string;
  readonly file: string;
  readonly products: readonly VendorProductContent[];
  /** A fault at the place of `path`, or of what stands for it for all products. */
  readonly faultAt: (path: Path, message: string) => ConfigFault;
}

export type VendorReading =
  | { readonly ok: true; readonly vendor: VendorContent }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** Characters of an id where as many may be taken: 80 bits worth. */
const ENOUGH = 16;
const MOST_VALUE = 64;
const NO_LIMITS: AccountLimits = Object.freeze({ concurrency: null, perSecond: null });
const LONGEST_TTL_MS = 30 * 24 * 3_600_000;

/** Reads a vendor file. Its patterns are judged by whoever mints from them. */
export function readVendorFile(yaml: YamlFile): VendorReading {
  if (yaml.value === undefined) return { ok: false, faults: yaml.faults };
  const checked = checkDocument(vendorSchema, { yaml, value: yaml.value, base: [] });
  if (!checked.ok || yaml.faults.length > 0)
    return { ok: false, faults: [...yaml.faults, ...(checked.ok ? [] : checked.faults)] };
  const document = checked.value;
  const products = productNames.flatMap((name) => {
    const product = document.products[name];
    return product === undefined ? [] : [{ name, ...productOf(document, product) }];
  });
  const faults =
    products.length === 0 ? [yaml.faultAt(['products'], `expected one of ${productNames.join(', ')}`)] : [];
  for (const { name, username, leastTtlMs, mostTtlMs } of products) {
    if (username === '')
      faults.push(yaml.faultAt(['products', name], 'it needs a username, its own or one for all products'));
    if (leastTtlMs > mostTtlMs)
      faults.push(faultIn(yaml, document, ['products', name, 'ttl'], '"least" is more than "most"'));
  }
  if (faults.length > 0) return { ok: false, faults };
  const faultAt = (path: Path, message: string) => faultIn(yaml, document, path, message);
  return { ok: true, vendor: { name: document.vendor, file: yaml.file, products, faultAt } };
}

function productOf(document: VendorDocument, product: ProductDocument): Omit<VendorProductContent, 'name'> {
  const { username = '', password = '{password}', session, ttl, lifetime, idle, limits } = { ...document, ...product };
  const values = { ...document.values, ...product.values };
  return {
    endpoints: product.endpoints,
    username,
    password,
    rules: Object.fromEntries(
      places.flatMap((place) => {
        const rule = values[place];
        return rule === undefined ? [] : [[place, ruleOf(place, rule)]];
      }),
    ),
    alphabet: session?.alphabet ?? 'a-z2-7',
    length: Math.max(session?.length.least ?? ENOUGH, Math.min(session?.length.most ?? ENOUGH, ENOUGH)),
    leastTtlMs: ttl?.least ?? 1000,
    mostTtlMs: ttl?.most ?? LONGEST_TTL_MS,
    ttlMs: null,
    lifetimeMs: lifetime ?? null,
    idleMs: idle ?? null,
    limits: accountLimitsOf(limits) ?? NO_LIMITS,
  };
}

type WrittenRule = NonNullable<NonNullable<VendorDocument['values']>[Place]>;

function ruleOf(place: Place, { length, alphabet, space, countries, ...rule }: WrittenRule): ValueRule {
  const isWordless = place === 'country' || place === 'zip' || place === 'asn';
  return {
    ...rule,
    space: space ?? (isWordless ? '' : '_'),
    alphabet: alphabet ?? (place === 'asn' ? '0-9' : null),
    least: length?.least ?? 1,
    most: length?.most ?? MOST_VALUE,
    countries: countries ?? null,
  };
}

/** Where a product doesn't say a thing itself, the fault stands where it is said for all. */
function faultIn(yaml: YamlFile, document: VendorDocument, path: Path, message: string): ConfigFault {
  const [first, name, key, ...rest] = path;
  const product = productNames.find((one) => one === name);
  const own = product === undefined ? undefined : document.products[product];
  const isCommon = first === 'products' && own !== undefined && key !== undefined && !Object.hasOwn(own, key);
  return yaml.faultAt(isCommon && Object.hasOwn(document, key) ? [key, ...rest] : path, message);
}
