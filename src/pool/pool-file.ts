import type { ListFormat, ListScheme } from '../protocol/list-format.ts';
import type { Tier } from '../protocol/params.ts';
import type { Geo } from '../protocol/places.ts';
import type { Price, Probing, Strategy } from './exit.ts';
import type { FetchedSource } from './fetched-source.ts';
import type { TemplateTerms, VendorTerms } from './minted-entry.ts';
import type { OwnRange } from './own-range.ts';
import type { PoolFault } from './pool-fault.ts';

/** What every entry of `exits` can say. */
interface EntryTerms {
  readonly geo: Geo;
  readonly dns: 'local' | 'remote' | null;
  readonly verify: boolean;
  /** A PEM file, as written. */
  readonly ca: string | null;
  readonly name: string | null;
  readonly ip: 4 | 6 | null;
}

/** One entry of `exits`, with its terms complete: what the entry doesn't say, the pool does. */
export type PoolEntry =
  | (EntryTerms & { readonly kind: 'url'; readonly url: string })
  | (EntryTerms & {
      readonly kind: 'list';
      readonly list: string;
      readonly format: ListFormat;
      readonly scheme: ListScheme;
    })
  | (EntryTerms & TemplateTerms)
  | (EntryTerms & VendorTerms)
  /** Exits that are fetched from somewhere now and again. */
  | (EntryTerms & {
      readonly kind: 'fetched';
      readonly source: FetchedSource;
      /** How the lines are written that come of it. */
      readonly format: ListFormat;
      readonly scheme: ListScheme;
    })
  /** A way out without a proxy: from each address of the range, or from whichever the system takes. */
  | (EntryTerms & { readonly kind: 'direct'; readonly from: OwnRange | null })
  | (EntryTerms & { readonly kind: 'demo'; readonly counts: DemoCounts });

/** How many local exits of each kind the demo pool has. */
export interface DemoCounts {
  readonly http: number;
  readonly https: number;
  readonly socks5: number;
}

/** A pool file, read and validated, before its exits are made. */
export interface PoolFile {
  readonly file: string;
  readonly name: string;
  readonly tier: Tier;
  readonly price: Price | null;
  readonly strategy: Strategy;
  /** Whether an exchange that is late is raced by another exit, where that is safe and nothing else was asked. */
  readonly hedge?: boolean;
  readonly probe?: Probing;
  readonly entries: readonly PoolEntry[];
  /** A fault at the place of `path`, such as `['exits', 2, 'url']`. */
  faultAt(path: readonly (string | number)[], message: string): PoolFault;
}
