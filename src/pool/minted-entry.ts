import type { Place } from '../protocol/places.ts';
import type { AccountLimits } from './template-spec.ts';
import type { ProductName, Protocol } from './vendor.ts';

/** What an entry says of the exits that are minted for it. Durations are in ms. */
export interface MintTerms {
  /** The places that exits are minted for, by kind; at most one kind has several. */
  readonly lists: { readonly [Name in Place]: readonly string[] };
  /** Exits per place; null where every gateway session mints its own. */
  readonly slots: number | null;
  /** What is asked for with `{ttl}` where a request doesn't say; null for nothing. */
  readonly ttlMs: number | null;
  /** In place of the vendor's own; null for that. */
  readonly lifetimeMs: number | null;
  /** Those that it names go before the vendor's. */
  readonly limits: AccountLimits | null;
}

/** A template that a pool writes out. */
export interface TemplateTerms extends MintTerms {
  readonly kind: 'template';
  readonly template: string;
}

/** An account with a vendor that has a file. */
export interface VendorTerms extends MintTerms {
  readonly kind: 'vendor';
  readonly vendor: string;
  /** Null for the vendor's first. */
  readonly product: ProductName | null;
  readonly protocol: Protocol | null;
  readonly username: string;
  readonly password: string;
  /** `host:port` in place of the vendor's own; null for that. */
  readonly endpoint: string | null;
}
