import type { CatalogueView } from '../memory/catalogue.ts';
import type { NextCatalogue } from '../memory/catalogue-writer.ts';
import { Term } from '../memory/terms-table.ts';
import type { ExitScheme } from '../protocol/endpoint.ts';
import type { Tier } from '../protocol/params.ts';
import { type Geo, type Place, places } from '../protocol/places.ts';

/** What many exits have in common: all that is known of one but how it is dialled. */
export interface ExitTerms {
  readonly pool: string;
  readonly tier: Tier;
  readonly scheme: ExitScheme;
  readonly name: string | null;
  readonly verifyTls: boolean;
  readonly ca: string | null;
  readonly dns: 'remote' | 'local';
  readonly ip: 4 | 6 | null;
  readonly geo: Geo;
  /** The template that the exit's sessions are minted from and the places that they are minted for, both as JSON; null where the
   *  exit has an endpoint of its own. */
  readonly template: { readonly text: string; readonly values: string } | null;
  /** Places that requests may ask the vendor for, because the exit is minted for each of them. */
  readonly open?: ReadonlySet<Place>;
}

const tiers: readonly Tier[] = ['dc', 'isp', 'res', 'mobile'];
const schemes: readonly ExitScheme[] = ['http', 'https', 'socks4', 'socks4a', 'socks5', 'direct'];
const families = [null, 4, 6] as const;

/** How flags are packed, from the lowest bit: tier 2, scheme 3, family 2, who resolves 1, whether to verify 1, open places 7. */
const SCHEME_SHIFT = 2;
const FAMILY_SHIFT = 5;
const DNS_SHIFT = 7;
const VERIFY_SHIFT = 8;
const OPEN_SHIFT = 9;

/** The flags of a row of terms, apart. */
export interface TermFlags {
  readonly tier: Tier;
  readonly scheme: ExitScheme;
  readonly ip: 4 | 6 | null;
  readonly dns: 'remote' | 'local';
  readonly verifyTls: boolean;
}

/** The number of `terms` in the next version of the catalogue. */
export function internTerms(next: NextCatalogue, terms: ExitTerms): number {
  const { places: names, labels } = next;
  const row: number[] = [labels.intern(terms.pool), packFlags(terms)];
  for (const place of places) row.push(names.intern(terms.geo[place] ?? ''));
  const { name, ca, template } = terms;
  row.push(labels.intern(name ?? ''), labels.intern(ca ?? ''));
  row.push(labels.intern(template?.text ?? ''), labels.intern(template?.values ?? ''));
  return next.terms.intern(row);
}

/** The terms of this number. */
export function readTerms({ terms: rows, places: names, labels }: CatalogueView, number: number): ExitTerms {
  const label = (term: Term) => labels.text(rows.word(number, term));
  const geo: Partial<Record<Place, string>> = {};
  for (const place of places) {
    const text = rows.word(number, Term[place]);
    if (text !== 0) geo[place] = names.text(text);
  }
  return {
    pool: label(Term.pool),
    ...unpackFlags(rows.word(number, Term.flags)),
    name: label(Term.name) || null,
    ca: label(Term.ca) || null,
    geo,
    template:
      rows.word(number, Term.template) === 0
        ? null
        : { text: label(Term.template), values: label(Term.templateValues) },
  };
}

function packFlags({ tier, scheme, ip, dns, verifyTls, open }: TermFlags & Pick<ExitTerms, 'open'>): number {
  const openBits = places.reduce((bits, place, index) => bits | (Number(open?.has(place) ?? false) << index), 0);
  return (
    (openBits << OPEN_SHIFT) |
    tiers.indexOf(tier) |
    (schemes.indexOf(scheme) << SCHEME_SHIFT) |
    (families.indexOf(ip) << FAMILY_SHIFT) |
    (Number(dns === 'local') << DNS_SHIFT) |
    (Number(verifyTls) << VERIFY_SHIFT)
  );
}

/** Whether the vendor of exits with these flags can be asked for such a place, or, where none is named, for any. */
export function isOpenTo(flags: number, place?: Place): boolean {
  return place === undefined
    ? flags >>> OPEN_SHIFT !== 0
    : ((flags >>> (OPEN_SHIFT + places.indexOf(place))) & 1) === 1;
}

export function tierOf(flags: number): Tier {
  return tiers[flags & 3] ?? 'dc';
}

export function unpackFlags(flags: number): TermFlags {
  return {
    tier: tierOf(flags),
    scheme: schemes[(flags >> SCHEME_SHIFT) & 7] ?? 'direct',
    ip: families[(flags >> FAMILY_SHIFT) & 3] ?? null,
    dns: (flags >> DNS_SHIFT) & 1 ? 'local' : 'remote',
    verifyTls: ((flags >> VERIFY_SHIFT) & 1) === 1,
  };
}
