import { dirname } from 'node:path';
import type { DialFacts } from '../memory/fact-arena.ts';
import { type ExitScheme, parseExitUrl } from '../protocol/endpoint.ts';
import { systemCode } from '../system-code.ts';
import type { DraftSink, ExitDraft } from './exit-draft.ts';
import type { ExitTerms } from './exit-terms.ts';
import { ListReader } from './list-formats/list-reader.ts';
import { SkippedKinds } from './list-formats/skipped-kinds.ts';
import { listedTerms } from './listed-terms.ts';
import { draftMinted } from './minted-drafts.ts';
import { type Nearby, readCertificate, readNear, unreadable } from './named-file.ts';
import { addressesOf, tooWide } from './own-range.ts';
import { copyKeyOf } from './placed-source.ts';
import type { PoolFault } from './pool-fault.ts';
import type { PoolEntry, PoolFile } from './pool-file.ts';
import type { Steps } from './steps.ts';
import type { Vendor } from './vendor.ts';

/** One local exit of the demo pool. */
export interface DemoExit {
  readonly url: string;
  readonly country?: string;
  /** Its own among them, and the same at each start, while its port is not. */
  readonly label?: string;
  /** PEM of the authority behind an `https` exit's certificate. */
  readonly ca?: string | null;
}

/** What building exits needs of the world. */
export interface BuildOptions {
  /** The text of a file; throws the system's error. */
  readonly readText: (path: string) => string;
  /** The text of a list, part after part, so that it needn't be held whole; throws the system's error, at once or later. Without
   *  it `readText` serves. */
  readonly readChunks?: (path: string) => Iterable<string>;
  /** Where the last good copy of what was fetched under a key is; without it, or without a copy, there are no such exits yet. */
  readonly copyOf?: (key: string) => string;
  /** Relative paths are looked for beside the pool file, then here. */
  readonly projectFolder: string;
  /** Exits behind `demo` entries; without them such an entry is empty. */
  readonly demo?: readonly DemoExit[];
  /** Vendors whose files were read, by name; and the names of all that there are. */
  readonly vendors?: ReadonlyMap<string, Vendor>;
  readonly knownVendors?: readonly string[];
  /** Told of what is left out without being a fault: exits of a list that can't be dialled. */
  readonly remark?: (remark: PoolFault) => void;
}

/** What came of one entry, beside its exits. */
export interface EntryReport {
  readonly faults: readonly PoolFault[];
}

/** Of a list in another form altogether, so many lines are shown. */
const SHOWN_LIST_FAULTS = 20;

interface At {
  readonly file: PoolFile;
  readonly index: number;
  readonly options: BuildOptions;
  /** PEM of the authority that the entry names. */
  readonly ca: string | null;
  readonly sink: DraftSink;
}

type EntryOf<Kind extends PoolEntry['kind']> = Extract<PoolEntry, { kind: Kind }>;

/** Hands the exits of entry `index` of `file` to `sink`, one by one, in small steps. Never throws; faults stand at the key to
 *  blame. */
export function* draftEntry(
  file: PoolFile,
  index: number,
  { options, sink }: { options: BuildOptions; sink: DraftSink },
): Steps<EntryReport> {
  const entry = file.entries[index];
  if (entry === undefined) return faultless;
  const place = { file, index, options, ca: null, sink };
  const certificate = entry.ca === null ? null : readCertificate(entry.ca, nearby(place, options.readText));
  if (certificate?.ok === false) return fault(keyFault(place, 'ca', certificate.message));
  const at = { ...place, ca: certificate?.content ?? null };
  switch (entry.kind) {
    case 'url':
      return draftUrl(at, entry);
    case 'list':
      return yield* draftList(at, entry);
    case 'template':
    case 'vendor':
      return yield* draftMintedEntry(at, entry);
    case 'fetched':
      return yield* draftFetched(at, entry);
    case 'direct':
      return draftDirect(at, entry);
    case 'demo':
      return draftDemo(at, entry);
  }
}

function termsOf({ file, ca }: At, entry: PoolEntry, own: Partial<ExitTerms> & { scheme: ExitScheme }): ExitTerms {
  const resolvesHere = own.scheme === 'direct' || own.scheme === 'socks4';
  return {
    pool: file.name,
    tier: file.tier,
    name: entry.name,
    verifyTls: entry.verify,
    ca,
    dns: resolvesHere ? 'local' : (entry.dns ?? 'remote'),
    ip: entry.ip,
    template: null,
    ...own,
    geo: { ...entry.geo, ...own.geo },
  };
}

function listed(terms: ExitTerms, facts: DialFacts, label = ''): ExitDraft {
  return { terms, facts, session: 0, label };
}

function draftDirect(at: At, { from, ...entry }: EntryOf<'direct'>): EntryReport {
  const terms = termsOf(at, { ...entry, from }, { scheme: 'direct' });
  const wide = from === null ? null : tooWide(from);
  if (wide !== null) return fault(keyFault(at, 'direct', wide));
  for (const host of from === null ? [''] : addressesOf(from)) at.sink(listed(terms, { host, port: 0 }));
  return faultless;
}

function draftUrl(at: At, entry: EntryOf<'url'>): EntryReport {
  const endpoint = parseExitUrl(entry.url);
  if (!endpoint.ok) return fault(keyFault(at, 'url', endpoint.fault.detail));
  const { scheme } = endpoint.value;
  if (scheme === 'direct') return fault(keyFault(at, 'url', 'write a way out without a proxy as "direct: true"'));
  if (scheme === 'socks4' && entry.dns === 'remote') {
    return fault(keyFault(at, 'dns', 'a socks4 exit takes no names: use socks4a, or leave out "dns"'));
  }
  at.sink(listed(termsOf(at, entry, { scheme }), endpoint.value));
  return faultless;
}

function* draftList(at: At, entry: EntryOf<'list'>): Steps<EntryReport> {
  const { readText, readChunks = (path: string) => [readText(path)] } = at.options;
  const source = readNear(entry.list, nearby(at, readChunks));
  if (!source.ok) return fault(keyFault(at, 'list', source.message));
  try {
    return { faults: yield* draftLines(at, entry, source) };
  } catch (cause) {
    return fault(keyFault(at, 'list', unreadable(entry.list, cause)));
  }
}

/** The exits of the last good copy. Its faults were told when it was fetched. */
function* draftFetched(at: At, entry: EntryOf<'fetched'>): Steps<EntryReport> {
  const { readText, readChunks = (path: string) => [readText(path)], copyOf } = at.options;
  const path = copyOf?.(copyKeyOf(at.file, at.index) ?? '');
  if (path === undefined) return faultless;
  const termsFor = listedTerms((own) => termsOf(at, entry, own));
  try {
    const reader = new ListReader(entry, {
      exit: (exit) => at.sink(listed(termsFor(exit), exit.endpoint)),
      fault: () => {},
    });
    for (const chunk of readChunks(path)) {
      reader.push(chunk);
      yield;
    }
    reader.end();
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT')
      return fault(keyFault(at, entry.source.from.kind, unreadable('its last good copy', cause)));
  }
  return faultless;
}

/** The exits of a list that was found. Throws the system's error. */
function* draftLines(
  at: At,
  entry: EntryOf<'list'>,
  source: { readonly path: string; readonly content: Iterable<string> },
): Steps<readonly PoolFault[]> {
  const termsFor = listedTerms((own) => termsOf(at, entry, own));
  const faults: PoolFault[] = [];
  const skipped = new SkippedKinds();
  let more = 0;
  const reader = new ListReader(entry, {
    exit: (exit) => at.sink(listed(termsFor(exit), exit.endpoint)),
    skipped: (_, kind) => skipped.add(kind),
    fault: (line, message) => {
      if (faults.length < SHOWN_LIST_FAULTS) faults.push({ file: source.path, line, column: 1, path: '', message });
      else more += 1;
    },
  });
  for (const chunk of source.content) {
    reader.push(chunk);
    yield;
  }
  reader.end();
  if (more > 0) faults.push(keyFault(at, 'list', `${more} more lines of ${entry.list} are no exit`));
  if (skipped.count > 0)
    at.options.remark?.(keyFault(at, 'list', `skipped, for they cannot be dialled: ${skipped.text}`));
  return faults;
}

function* draftMintedEntry(at: At, entry: EntryOf<'template' | 'vendor'>): Steps<EntryReport> {
  const { file, options, sink } = at;
  const { vendors = noVendors, knownVendors = [] } = options;
  const termsFor = (own: Partial<ExitTerms> & { scheme: ExitScheme }) => termsOf(at, entry, own);
  const found = yield* draftMinted(entry, { pool: file.name, sink, termsOf: termsFor, vendors, knownVendors });
  return { faults: found.map(({ key, message }) => keyFault(at, key, message)) };
}

function draftDemo(at: At, entry: EntryOf<'demo'>): EntryReport {
  const drafts: ExitDraft[] = [];
  for (const { url, country, label, ca } of at.options.demo ?? []) {
    const endpoint = parseExitUrl(url);
    if (!endpoint.ok) return fault(keyFault(at, 'demo', endpoint.fault.detail));
    const { scheme } = endpoint.value;
    const geo = country === undefined ? {} : { country: country.toLowerCase() };
    const own = { scheme, geo, name: label ?? entry.name, ...(ca == null ? {} : { ca }) };
    const draft = listed(termsOf(at, entry, own), endpoint.value, label);
    drafts.push(label === undefined ? draft : { ...draft, portVaries: true });
  }
  drafts.forEach(at.sink);
  return faultless;
}

function nearby<Content>(
  { file, options }: Pick<At, 'file' | 'options'>,
  read: (path: string) => Content,
): Nearby<Content> {
  return { folders: [dirname(file.file), options.projectFolder], read };
}

function keyFault({ file, index }: Pick<At, 'file' | 'index'>, key: string, message: string): PoolFault {
  return file.faultAt(['exits', index, key], message);
}

const noVendors: ReadonlyMap<string, Vendor> = new Map();

const faultless: EntryReport = { faults: [] };

const fault = (one: PoolFault): EntryReport => ({ faults: [one] });
