import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import { parsePattern } from './pattern.ts';
import type { PoolFault } from './pool-fault.ts';
import { Template } from './template.ts';
import { type AccountLimits, patternOptions, type SessionTerms, type TemplateSpec } from './template-spec.ts';

/** What a vendor sells, and what it may be dialled with. */
export const productNames = ['residential', 'mobile', 'isp', 'dc'] as const;
export type ProductName = (typeof productNames)[number];
export const protocols = ['http', 'https', 'socks5'] as const;
export type Protocol = (typeof protocols)[number];

/** One product: how it is dialled and asked. */
export interface VendorProduct extends SessionTerms {
  readonly name: ProductName;
  /** `host:port` patterns. */
  readonly endpoints: { readonly [Name in Protocol]?: string };
  /** Patterns. */
  readonly username: string;
  readonly password: string;
  readonly rules: TemplateSpec['rules'];
  readonly limits: AccountLimits;
}

/** A vendor file, read and validated but for its patterns: see `vendorFaults`. */
export interface Vendor {
  readonly name: string;
  readonly file: string;
  readonly products: readonly VendorProduct[];
  /** A fault at the place of `path` in the file. */
  faultAt(path: readonly (string | number)[], message: string): PoolFault;
}

/** What a pool says of its account with a vendor. */
export interface VendorAccount {
  readonly username: string;
  readonly password: string;
  /** `host:port` in place of the product's own; null for that. */
  readonly endpoint: string | null;
}

/** The template of one product by one protocol. */
export function specOfProduct(
  vendor: Vendor,
  { product, protocol, account }: { product: VendorProduct; protocol: Protocol; account: VendorAccount },
): Parsed<TemplateSpec> {
  const { name: _name, endpoints, ...terms } = product;
  const address = account.endpoint ?? endpoints[protocol];
  if (address === undefined) return failed('bad_request', `${vendor.name} has no endpoint for ${protocol} there`);
  const [, host = '', port = ''] = /^(.*):([0-9]+|\{port:[0-9-]+\})$/.exec(address) ?? [];
  if (host === '') return failed('bad_request', 'an endpoint is written host:port');
  const { username, password } = account;
  return parsed({
    ...terms,
    vendor: vendor.name,
    scheme: protocol,
    host,
    port,
    encoded: false,
    account: { username, password },
  });
}

/** What is wrong with the patterns of a vendor file: all of its faults that its schema can't see. */
export function vendorFaults(vendor: Vendor): readonly PoolFault[] {
  return vendor.products.flatMap((product) => {
    const path = ['products', product.name];
    const written = protocols.filter((protocol) => product.endpoints[protocol] !== undefined);
    if (written.length === 0) return [vendor.faultAt([...path, 'endpoints'], 'expected one of http, https, socks5')];
    const fields = (['username', 'password'] as const).flatMap((key) => {
      const read = parsePattern(product[key], patternOptions({ encoded: false }));
      return read.ok ? [] : [vendor.faultAt([...path, key], read.message)];
    });
    const endpoints = written.flatMap((protocol) => {
      const account = { username: 'account', password: 'secret', endpoint: null };
      const spec = specOfProduct(vendor, { product, protocol, account });
      const read = spec.ok ? Template.read(spec.value) : spec;
      return read.ok ? [] : [vendor.faultAt([...path, 'endpoints', protocol], read.fault.detail)];
    });
    return fields.length > 0 ? fields : endpoints;
  });
}
