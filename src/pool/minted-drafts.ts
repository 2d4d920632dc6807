import type { DialFacts } from '../memory/fact-arena.ts';
import { failed, type Parsed } from '../protocol/decoded.ts';
import { type ExitScheme, parseEndpoint } from '../protocol/endpoint.ts';
import { type Geo, type Place, places } from '../protocol/places.ts';
import { type DraftSink, MINTS } from './exit-draft.ts';
import type { ExitTerms } from './exit-terms.ts';
import type { MintTerms, TemplateTerms, VendorTerms } from './minted-entry.ts';
import { Minting } from './minting.ts';
import type { Steps } from './steps.ts';
import { Template } from './template.ts';
import { specOfUrl, type TemplateSpec } from './template-spec.ts';
import { protocols, specOfProduct, type Vendor } from './vendor.ts';

/** What is wrong with an entry, and the key to blame. */
export interface KeyFault {
  readonly key: string;
  readonly message: string;
}

type EntryTerms = (TemplateTerms | VendorTerms) & { readonly geo: Geo };

export interface MintedDrafting {
  readonly pool: string;
  readonly sink: DraftSink;
  readonly termsOf: (own: Partial<ExitTerms> & { readonly scheme: ExitScheme }) => ExitTerms;
  /** The vendors whose files were read, and the names of all that there are. */
  readonly vendors: ReadonlyMap<string, Vendor>;
  readonly knownVendors: readonly string[];
}

/** So many sessions are one step. */
const SESSIONS_A_STEP = 4096;

/** The keys under which an entry lists places. */
const listKeys: { readonly [Name in Place]: string } = {
  country: 'countries',
  region: 'regions',
  state: 'states',
  city: 'cities',
  zip: 'zips',
  asn: 'asns',
  isp: 'isps',
};

/** Hands the exits of a template or a vendor to the sink, one by one: for each place as many as it has slots, or one that every
 *  gateway session mints from. Never throws. */
export function* draftMinted(entry: EntryTerms, drafting: MintedDrafting): Steps<readonly KeyFault[]> {
  const spec = specOf(entry, drafting);
  if (!spec.ok) return [{ key: spec.fault.key ?? entry.kind, message: spec.fault.detail }];
  const template = Template.read(spec.value);
  if (!template.ok) return [{ key: entry.kind, message: template.fault.detail }];
  const fault = listFault(entry, template.value);
  if (fault !== null) return [fault];
  for (const geo of choicesOf(entry)) {
    const refused = yield* draftPlace(entry, { ...drafting, template: template.value, geo });
    if (refused !== null) return [refused];
  }
  return [];
}

/** A parser's answer whose fault may name a key of the entry. */
type KeyedSpec =
  | { readonly ok: true; readonly value: TemplateSpec }
  | { readonly ok: false; readonly fault: { readonly detail: string; readonly key?: string } };

function specOf(entry: EntryTerms, { vendors, knownVendors }: MintedDrafting): KeyedSpec {
  if (entry.kind === 'template') {
    const spec = specOfUrl(entry.template);
    return spec.ok ? { ok: true, value: withOwnTerms(spec.value, entry) } : spec;
  }
  const vendor = vendors.get(entry.vendor);
  if (vendor === undefined) {
    // One whose file has faults is no stranger.
    const known = knownVendors.includes(entry.vendor);
    const detail = known
      ? 'the file of this vendor has faults'
      : `no such vendor; known are ${knownVendors.join(', ') || 'none'}`;
    return failed('bad_request', detail);
  }
  const product = vendor.products.find(({ name }) => entry.product === null || name === entry.product);
  if (product === undefined) {
    const names = vendor.products.map(({ name }) => name).join(', ');
    return { ok: false, fault: { key: 'product', detail: `${vendor.name} has ${names}` } };
  }
  const protocol = entry.protocol ?? protocols.find((one) => product.endpoints[one] !== undefined) ?? 'http';
  if (product.endpoints[protocol] === undefined) {
    const names = protocols.filter((one) => product.endpoints[one] !== undefined).join(', ');
    return { ok: false, fault: { key: 'protocol', detail: `${vendor.name} speaks ${names} there` } };
  }
  for (const key of ['username', 'password'] as const)
    if (entry[key] === '' && `${product.username}${product.password}`.includes(`{${key}}`))
      return { ok: false, fault: { key, detail: `${vendor.name} needs a ${key}` } };
  const spec: Parsed<TemplateSpec> = specOfProduct(vendor, { product, protocol, account: entry });
  return spec.ok
    ? { ok: true, value: withOwnTerms(spec.value, entry) }
    : { ok: false, fault: { ...spec.fault, key: 'endpoint' } };
}

/** What a vendor says of sessions and accounts, with what the entry says itself in its place. */
function withOwnTerms(spec: TemplateSpec, { ttlMs, lifetimeMs, limits }: MintTerms): TemplateSpec {
  return {
    ...spec,
    ttlMs,
    lifetimeMs: lifetimeMs ?? spec.lifetimeMs,
    limits: {
      concurrency: limits?.concurrency ?? spec.limits.concurrency,
      perSecond: limits?.perSecond ?? spec.limits.perSecond,
    },
  };
}

function listFault({ lists, slots, ttlMs, ...entry }: EntryTerms, template: Template): KeyFault | null {
  const several = places.filter((place) => lists[place].length > 1);
  const [first, second] = several;
  if (first !== undefined && second !== undefined) {
    const message = `only one of ${listKeys[first]} and ${listKeys[second]} can list several: write an entry for each`;
    return { key: listKeys[second], message };
  }
  if (first !== undefined && !template.takes.has(first))
    return { key: listKeys[first], message: `several ${listKeys[first]} need {${first}} in the template` };
  const { sessions } = template;
  if (sessions < (slots ?? 1)) {
    const message =
      sessions === 1 ? 'several slots need {session} in the template' : `its ports tell ${sessions} exits apart`;
    return { key: 'slots', message };
  }
  if (ttlMs !== null) {
    const { leastTtlMs, mostTtlMs } = template.spec;
    if (!template.takes.has('ttl'))
      return {
        key: 'ttl',
        message: `"ttl" needs {ttl} in the ${entry.kind === 'vendor' ? "vendor's file" : 'template'}`,
      };
    if (ttlMs < leastTtlMs || ttlMs > mostTtlMs)
      return { key: 'ttl', message: `the vendor takes from ${leastTtlMs / 1000}s to ${mostTtlMs / 1000}s` };
  }
  return null;
}

/** The places of the entry's exits, one choice after the other. */
function* choicesOf({ lists, geo }: EntryTerms): Generator<Geo> {
  const several = places.find((place) => lists[place].length > 1);
  const said = places.flatMap((place) => {
    const [only] = lists[place];
    return only === undefined || place === several ? [] : [[place, only] as const];
  });
  const common = { ...geo, ...Object.fromEntries(said) };
  if (several === undefined) yield common;
  else for (const value of lists[several]) yield { ...common, [several]: value };
}

interface PlaceDrafting extends MintedDrafting {
  readonly template: Template;
  /** As written. */
  readonly geo: Geo;
}

/** The exits of one place. */
function* draftPlace(entry: EntryTerms, { pool, sink, termsOf, template, geo }: PlaceDrafting): Steps<KeyFault | null> {
  const fixed: Geo = Object.fromEntries(
    places.flatMap((place) => (geo[place] !== undefined && template.takes.has(place) ? [[place, geo[place]]] : [])),
  );
  const minting = new Minting(pool, template, fixed);
  const refused = placeFault(entry, minting, fixed);
  if (refused !== null) return refused;
  const { scheme } = template.spec;
  const known = geo.country === undefined ? geo : { ...geo, country: geo.country.toLowerCase() };
  const isOne = template.sessions === 1 && (entry.slots !== null || minting.open.size === 0);
  const isLimited = Object.values(template.spec.limits).some((limit) => limit !== null);
  if (isOne && !isLimited) {
    const facts: DialFacts = minting.endpointOf(0);
    sink({ terms: termsOf({ scheme, geo: known }), facts, session: 0, label: known.country ?? '' });
    return null;
  }
  const text = JSON.stringify(template.spec);
  const terms = termsOf({ scheme, geo: known, template: { text, values: JSON.stringify(fixed) } });
  // What counts against an account is known by its template.
  if (isOne) sink({ terms, facts: null, session: 0, label: known.country ?? '' });
  else if (entry.slots === null)
    sink({ terms: { ...terms, open: minting.open }, facts: null, session: MINTS, label: '' });
  else {
    for (let session = 0; session < entry.slots; session += 1) {
      sink({ terms, facts: null, session, label: '' });
      if (session % SESSIONS_A_STEP === 0) yield;
    }
  }
  return null;
}

/** Why no exits can be minted for these places. */
function placeFault(entry: EntryTerms, minting: Minting, fixed: Geo): KeyFault | null {
  const refusal = minting.template.refusal(fixed);
  if (refusal !== null) {
    const { place, message } = refusal;
    if (place === null) return { key: entry.kind, message };
    if (fixed[place] === undefined)
      return { key: entry.kind, message: `{${place}} needs what to put there: add "${listKeys[place]}"` };
    return { key: entry.lists[place].length > 0 ? listKeys[place] : place, message };
  }
  // What is written out for a template stands there as it is written.
  const { scheme, host, port, username, password = '' } = minting.endpointOf(0);
  if (scheme === 'direct') return null;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const read = parseEndpoint(scheme, address, username === undefined ? null : { username, password });
  return read.ok ? null : { key: entry.kind, message: read.fault.detail };
}
