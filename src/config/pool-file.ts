import type { StaticDecode } from 'typebox';
import { type Geo, type Place, places } from '../protocol/places.ts';
import type { Cidr } from './cidr.ts';
import { checkDocument } from './document-check.ts';
import { type ConfigFault, formatPath, type Path } from './fault.ts';
import { entrySchemas, type PoolDocument, poolSchema } from './pool-schema.ts';
import { type PoolProbing, poolProbingOf } from './probe-schema.ts';
import { apiOf, commandOf, type FetchedSource, givesLines, isRemote, listUrlOf } from './source-schema.ts';
import { type AccountLimits, accountLimitsOf, type productNames, type protocols } from './vendor-schema.ts';
import type { YamlFile } from './yaml-file.ts';

type Kind = keyof typeof entrySchemas;
type Written<K extends Kind> = StaticDecode<(typeof entrySchemas)[K]>;

const kinds = ['url', 'list', 'template', 'vendor', 'api', 'command', 'direct', 'demo'] as const;
/** What every entry says of its exits, itself or by its pool. */
export interface EntryTerms {
  readonly geo: Geo;
  /** Null where the exit's protocol decides. */
  readonly dns: 'local' | 'remote' | null;
  readonly verify: boolean;
  readonly ca: string | null;
  readonly name: string | null;
  readonly ip: 4 | 6 | null;
}

/** What an entry says of the exits that are minted for it. Durations are in ms; null for what it doesn't say. */
export interface MintTerms {
  readonly lists: Readonly<Record<Place, readonly string[]>>;
  readonly slots: number | null;
  readonly ttlMs: number | null;
  readonly lifetimeMs: number | null;
  readonly limits: AccountLimits | null;
}

/** One entry of `exits`. */
export type Entry = EntryTerms &
  (
    | { readonly kind: 'url'; readonly url: string }
    | {
        readonly kind: 'list';
        readonly list: string;
        readonly format: Written<'list'>['format'];
        readonly scheme: Written<'list'>['scheme'];
      }
    | (MintTerms & { readonly kind: 'template'; readonly template: string })
    | (MintTerms & {
        readonly kind: 'vendor';
        readonly vendor: string;
        readonly product: (typeof productNames)[number] | null;
        readonly protocol: (typeof protocols)[number] | null;
        readonly username: string;
        readonly password: string;
        readonly endpoint: string | null;
      })
    | {
        readonly kind: 'fetched';
        readonly source: FetchedSource;
        /** How the lines are written that come of it. */
        readonly format: Written<'list'>['format'];
        readonly scheme: Written<'list'>['scheme'];
      }
    | { readonly kind: 'direct'; readonly from: (Cidr & { readonly count: number | null }) | null }
    | { readonly kind: 'demo'; readonly counts: Written<'demo'>['demo'] }
  );

/** A pool file without faults of form; what its exits' URLs and files are worth is found out when the exits are made. */
export interface PoolFileContent {
  readonly file: string;
  readonly name: string;
  readonly tier: PoolDocument['tier'];
  readonly price: Required<NonNullable<PoolDocument['price']>> | null;
  readonly strategy: PoolDocument['strategy'];
  readonly hedge: boolean;
  readonly probe: PoolProbing;
  readonly entries: readonly Entry[];
  /** A fault at the place of `path` in the file. */
  readonly faultAt: (path: Path, message: string) => ConfigFault;
}

/** A pool file, or all that is wrong with its form; and then what is left of it without that, so that all that is wrong with that
 *  stands in the same report. It is to be judged, never used; null where it is in doubt what was meant. */
export type PoolFileReading =
  | { readonly ok: true; readonly pool: PoolFileContent }
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly rest: PoolFileContent | null };

/** Reads a pool file whose variables have been replaced. */
export function readPoolFile(yaml: YamlFile): PoolFileReading {
  if (yaml.value === undefined) return { ok: false, faults: yaml.faults, rest: null };
  const checked = checkDocument(poolSchema, { yaml, value: yaml.value, base: [] });
  const formFaults = [...yaml.faults, ...(checked.ok ? [] : checked.faults)];
  const document = checked.ok && formFaults.length === 0 ? checked.value : restOf(yaml, formFaults);
  const written = document?.exits ?? writtenExits(yaml.value);
  const entries = written.map((value, index) => readEntry(yaml, { value, index, common: document ?? {} }));
  const faults = [...formFaults, ...entries.flatMap((entry) => entry.faults)];
  if (document === null) return { ok: false, faults, rest: null };
  const pool = contentOf(yaml, document, entries);
  if (faults.length === 0) return { ok: true, pool };
  const isWhole = (_: EntryReading, index: number) => !faults.some(({ path }) => isWithin(path, ['exits', index]));
  return { ok: false, faults, rest: contentOf(yaml, document, entries.filter(isWhole)) };
}

function contentOf(yaml: YamlFile, document: PoolDocument, read: readonly EntryReading[]): PoolFileContent {
  const { pool: name, tier, price, strategy, hedge, probe } = document;
  const entries = read.flatMap(({ entry, index }) => (entry === null ? [] : [{ entry, index }]));
  // Where entries are left out, the others stand elsewhere than they are counted.
  const inFile = ([key = '', index = '', ...within]: Path): Path => [
    key,
    entries[Number(index)]?.index ?? index,
    ...within,
  ];
  return {
    file: yaml.file,
    name,
    tier,
    price: price === undefined ? null : { perGB: 0, perRequest: 0, perIpMonth: 0, ...price },
    strategy,
    hedge,
    probe: poolProbingOf(probe),
    entries: entries.map(({ entry }) => entry),
    faultAt: (path, message) => yaml.faultAt(path[0] === 'exits' && path.length > 1 ? inFile(path) : path, message),
  };
}

/** What a file says beside its faults of form, by the defaults where it has one; null where that could make faults of what has none. */
function restOf(yaml: YamlFile, faults: readonly ConfigFault[]): PoolDocument | null {
  const { value } = yaml;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const isFaulty = (key: string) => faults.some(({ path }) => isWithin(path, [key]));
  // What an entry may leave to its pool it would lack.
  if (places.some(isFaulty)) return null;
  const sound = Object.entries(value).filter(([key]) => !isFaulty(key));
  const whole = { pool: '~', ...Object.fromEntries(sound), exits: writtenExits(value) };
  const checked = checkDocument(poolSchema, { yaml, value: whole, base: [] });
  if (!checked.ok) return null;
  return { ...checked.value, pool: isFaulty('pool') ? yaml.file : checked.value.pool };
}

/** Whether a fault's path leads to `place`, or further into it. */
function isWithin(path: string, place: Path): boolean {
  const to = formatPath(place);
  return path === to || path.startsWith(`${to}.`) || path.startsWith(`${to}[`);
}

/** The entries of a file that has other faults: theirs belong into the same report. */
function writtenExits(value: unknown): readonly unknown[] {
  const exits = typeof value === 'object' && value !== null && 'exits' in value ? value.exits : [];
  return Array.isArray(exits) ? exits : [];
}

interface WrittenEntry {
  readonly value: unknown;
  readonly index: number;
  /** The pool, for what the entry leaves to it. */
  readonly common: Geo;
}

interface EntryReading {
  readonly index: number;
  readonly entry: Entry | null;
  readonly faults: readonly ConfigFault[];
}

function readEntry(yaml: YamlFile, { value, index, common }: WrittenEntry): EntryReading {
  const base = ['exits', index];
  const named = typeof value === 'object' && value !== null ? kinds.filter((kind) => Object.hasOwn(value, kind)) : [];
  const [kind, second] = named;
  if (kind === undefined)
    return faulty(index, yaml.faultAt(base, `expected a mapping with one of ${kinds.join(', ')}`));
  if (second !== undefined)
    return faulty(index, yaml.faultAt([...base, second], `an entry is either ${kind} or ${second}`, 'key'));
  const form = formOf(kind, { yaml, base, value });
  const checked = checkDocument(entrySchemas[form], { yaml, value, base });
  if (!checked.ok) return { index, entry: null, faults: checked.faults };
  return { index, entry: entryOf(checked.value, common), faults: [] };
}

/** What tells the forms of one kind apart. */
function formOf(
  kind: (typeof kinds)[number],
  { yaml, base, value }: { yaml: YamlFile; base: readonly (string | number)[]; value: unknown },
): Kind {
  if (kind === 'list' && isRemote(yaml.textAt([...base, 'list']))) return 'remoteList';
  const own = typeof value === 'object' && value !== null && 'direct' in value ? value.direct : null;
  return kind === 'direct' && typeof own === 'object' && own !== null ? 'directRange' : kind;
}

function entryOf(written: Written<Kind>, common: Geo): Entry {
  if ('url' in written) return { kind: 'url', url: written.url, ...termsOf(written, common) };
  if ('api' in written) {
    const source = apiOf(written);
    const { scheme } = written.api;
    const format = givesLines(written.api.exit) ? written.api.format : 'pipe';
    return { kind: 'fetched', source, format, scheme, ...termsOf(written, common) };
  }
  if ('command' in written) {
    const { format, scheme } = written;
    return { kind: 'fetched', source: commandOf(written), format, scheme, ...termsOf(written, common) };
  }
  if ('list' in written) {
    const { list, format, scheme } = written;
    if ('refresh' in written) {
      return { kind: 'fetched', source: listUrlOf(written), format, scheme, ...termsOf(written, common) };
    }
    return { kind: 'list', list, format, scheme, ...termsOf(written, common) };
  }
  if ('template' in written) {
    return { kind: 'template', template: written.template, ...mintTermsOf(written), ...termsOf(written, common) };
  }
  if ('vendor' in written) {
    const { vendor, product = null, protocol: named, username, password, endpoint = null } = written;
    const protocol = named === 'socks5h' ? 'socks5' : (named ?? null);
    const account = { vendor, product, protocol, username, password, endpoint };
    return { kind: 'vendor', ...account, ...mintTermsOf(written), ...termsOf(written, common) };
  }
  if ('direct' in written) {
    if (written.direct === true) return { kind: 'direct', from: null, ...termsOf(written, common) };
    const { from, count = null } = written.direct;
    return { kind: 'direct', from: { ...from, count }, ...termsOf(written, common), ip: from.family };
  }
  return { kind: 'demo', counts: written.demo, ...termsOf({}, common) };
}

function mintTermsOf(written: Written<'template'> | Written<'vendor'>): MintTerms {
  const { countries, regions, states, cities, zips, asns, isps } = written;
  const { slots = null, ttl = null, lifetime = null } = written;
  return {
    lists: { country: countries, region: regions, state: states, city: cities, zip: zips, asn: asns, isp: isps },
    slots,
    ttlMs: ttl,
    lifetimeMs: lifetime,
    limits: accountLimitsOf(written.limits),
  };
}

type WrittenTerms = Geo & Partial<Omit<EntryTerms, 'geo'>>;

function termsOf({ dns, verify, ca, name, ip, ...own }: WrittenTerms, common: Geo): EntryTerms {
  const said = places.flatMap((place) => {
    const value = own[place] ?? common[place];
    return value === undefined ? [] : [[place, value] as const];
  });
  return {
    geo: Object.fromEntries(said),
    dns: dns ?? null,
    verify: verify ?? true,
    ca: ca ?? null,
    name: name ?? null,
    ip: ip ?? null,
  };
}

const faulty = (index: number, fault: ConfigFault): EntryReading => ({ index, entry: null, faults: [fault] });
