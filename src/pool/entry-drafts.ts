import { dirname } from 'node:path';
import { type Endpoint, parseExitUrl } from '../protocol/endpoint.ts';
import type { Exit, Geo, Mint } from './exit.ts';
import { readExitList } from './list-file.ts';
import { type Nearby, readCertificate, readNear } from './named-file.ts';
import type { PoolEntry, PoolFault, PoolFile } from './pool-file.ts';
import { parseTemplate, slotSession, type Template } from './template.ts';

/** One local exit of the demo pool. */
export interface DemoExit {
  readonly url: string;
  readonly country?: string;
  readonly label?: string;
  /** PEM of the authority behind an `https` exit's certificate. */
  readonly ca?: string | null;
}

/** What building exits needs of the world. */
export interface BuildOptions {
  /** The text of a file; throws the system's error. */
  readonly readText: (path: string) => string;
  /** Relative paths are looked for beside the pool file, then here. */
  readonly projectFolder: string;
  /** Exits behind `demo` entries; without them such an entry is empty. */
  readonly demo?: readonly DemoExit[];
}

/** An exit without an id. `identity` is what its id depends on: all that tells it apart but the password. */
export interface ExitDraft extends Omit<Exit, 'id'> {
  readonly identity: readonly string[];
}

/** The exits of one entry, and what is wrong with it. */
export interface Drafts {
  readonly drafts: readonly ExitDraft[];
  readonly faults: readonly PoolFault[];
  /** Lines of a list that repeat another. */
  readonly duplicates: number;
}

/** Of a list in another form altogether, so many lines are shown. */
const SHOWN_LIST_FAULTS = 20;

interface At {
  readonly file: PoolFile;
  readonly index: number;
  readonly options: BuildOptions;
}

/** What differs between the exits of one entry. */
interface Variant {
  readonly endpoint: Endpoint;
  readonly geo?: Geo;
  readonly name?: string | null;
  readonly label?: string;
  readonly minted?: boolean;
  readonly mint?: Mint | null;
  readonly ca?: string | null;
}

/** Makes the exits of entry `index` of `file`. Never throws; faults stand at the key to blame. */
export function draftEntry(file: PoolFile, index: number, options: BuildOptions): Drafts {
  const entry = file.entries[index];
  if (entry === undefined) return { drafts: [], faults: [], duplicates: 0 };
  const at = { file, index, options };
  const certificate = entry.ca === null ? null : readCertificate(entry.ca, nearby(at));
  if (certificate?.ok === false) return fault(keyFault(at, 'ca', certificate.message));
  const ca = certificate?.text ?? null;
  const make = (variants: readonly Variant[], extra?: Partial<Drafts>): Drafts => ({
    drafts: variants.map((variant) => draft(file, entry, { ca, ...variant })),
    faults: [],
    duplicates: 0,
    ...extra,
  });
  switch (entry.kind) {
    case 'url':
      return draftUrl(at, entry, make);
    case 'list':
      return draftList(at, entry, make);
    case 'template':
      return draftTemplate(at, entry, make);
    case 'direct':
      return make([{ endpoint: { scheme: 'direct', host: '', port: 0 } }]);
    case 'demo':
      return draftDemo(at, options.demo ?? [], make);
  }
}

type Make = (variants: readonly Variant[], extra?: Partial<Drafts>) => Drafts;
type EntryOf<Kind extends PoolEntry['kind']> = Extract<PoolEntry, { kind: Kind }>;

function draft(file: PoolFile, entry: PoolEntry, variant: Variant): ExitDraft {
  const { endpoint, label = '' } = variant;
  const resolvesHere = endpoint.scheme === 'direct' || endpoint.scheme === 'socks4';
  return {
    pool: file.name,
    tier: file.tier,
    name: variant.name ?? entry.name,
    endpoint,
    verifyTls: entry.verify,
    ca: variant.ca ?? null,
    dns: resolvesHere ? 'local' : (entry.dns ?? 'remote'),
    ip: entry.ip,
    geo: { ...entry.geo, ...variant.geo },
    minted: variant.minted ?? false,
    mint: variant.mint ?? null,
    identity: [file.name, ...endpointIdentity(endpoint), label],
  };
}

function endpointIdentity({ scheme, host, port, username = '' }: Endpoint): readonly string[] {
  return [scheme, host, String(port), username];
}

function draftUrl(at: At, entry: EntryOf<'url'>, make: Make): Drafts {
  const endpoint = parseExitUrl(entry.url);
  if (!endpoint.ok) return fault(keyFault(at, 'url', endpoint.fault.detail));
  const { scheme } = endpoint.value;
  if (scheme === 'direct') return fault(keyFault(at, 'url', 'write a way out without a proxy as "direct: true"'));
  if (scheme === 'socks4' && entry.dns === 'remote') {
    return fault(keyFault(at, 'dns', 'a socks4 exit takes no names: use socks4a, or leave out "dns"'));
  }
  return make([{ endpoint: endpoint.value }]);
}

function draftList(at: At, entry: EntryOf<'list'>, make: Make): Drafts {
  const source = readNear(entry.list, nearby(at));
  if (!source.ok) return fault(keyFault(at, 'list', source.message));
  const { endpoints, faults, duplicates } = readExitList(source.text, entry.scheme);
  const shown = faults.slice(0, SHOWN_LIST_FAULTS).map(({ line, message }) => {
    return { file: source.path, line, column: 1, path: '', message };
  });
  const more = faults.length - shown.length;
  if (more > 0) shown.push(keyFault(at, 'list', `${more} more lines of ${entry.list} are no exit`));
  return make(endpoints, { faults: shown, duplicates });
}

function draftTemplate(at: At, entry: EntryOf<'template'>, make: Make): Drafts {
  const read = parseTemplate(entry.template);
  if (!read.ok) return fault(keyFault(at, 'template', read.fault.detail));
  const template = read.value;
  const { countries, slots } = entry;
  if (template.hasCountry && countries.length === 0) {
    return fault(keyFault(at, 'template', '{country} needs the countries to put there: add "countries"'));
  }
  if (!template.hasCountry && countries.length > 1) {
    return fault(keyFault(at, 'countries', 'several countries need {country} in the template'));
  }
  if (!template.hasSession && (slots ?? 1) > 1) {
    return fault(keyFault(at, 'slots', 'several slots need {session} in the template'));
  }
  const variants = countries.length === 0 ? [''] : countries;
  return make(variants.flatMap((country) => templateVariants(at.file, { template, country, slots })));
}

function templateVariants(
  file: PoolFile,
  { template, country, slots }: { template: Template; country: string; slots: number | null },
): Variant[] {
  const blank = template.render({ country: '', session: '' });
  const identity = [file.name, ...endpointIdentity(blank), country.toLowerCase()];
  const geo = country === '' ? {} : { country: country.toLowerCase() };
  return Array.from({ length: slots ?? 1 }, (_, slot) => ({
    endpoint: template.render({ country, session: slotSession(identity, slot) }),
    geo,
    label: `${country.toLowerCase()}/${slot}`,
    minted: template.hasSession,
    mint: slots === null && template.hasSession ? { pattern: template.pattern, country, identity } : null,
  }));
}

function draftDemo(at: At, exits: readonly DemoExit[], make: Make): Drafts {
  const variants: Variant[] = [];
  for (const { url, country, label, ca } of exits) {
    const endpoint = parseExitUrl(url);
    if (!endpoint.ok) return fault(keyFault(at, 'demo', endpoint.fault.detail));
    const geo = country === undefined ? {} : { country: country.toLowerCase() };
    variants.push({ endpoint: endpoint.value, geo, name: label ?? null, ...(ca == null ? {} : { ca }) });
  }
  return make(variants);
}

const nearby = ({ file, options }: At): Nearby => ({
  folders: [dirname(file.file), options.projectFolder],
  readText: options.readText,
});

function keyFault({ file, index }: At, key: string, message: string): PoolFault {
  return file.faultAt(['exits', index, key], message);
}

const fault = (one: PoolFault): Drafts => ({ drafts: [], faults: [one], duplicates: 0 });
