import { digestWord } from './digest.ts';
import type { FetchedSource } from './fetched-source.ts';
import type { PoolEntry, PoolFile } from './pool-file.ts';

export type FetchedEntry = Extract<PoolEntry, { kind: 'fetched' }>;

/** A source where it stands. */
export interface PlacedSource {
  /** The same over restarts and changes of credentials: names what was fetched last. */
  readonly key: string;
  /** Changes with everything that what is fetched depends on. */
  readonly definition: string;
  readonly pool: string;
  /** As people are told of it: without anything that could be a credential. */
  readonly shown: string;
  /** `file:line:column` of the entry. */
  readonly place: string;
  readonly entry: FetchedEntry;
}

/** Fit for names of files, whatever the system makes of case. */
const nameCharacters = 'abcdefghijklmnopqrstuvwxyz234567';

/** The key of the copy that entry `index` reads; null where it is no fetched one. */
export function copyKeyOf(file: PoolFile, index: number): string | null {
  const entry = file.entries[index];
  if (entry?.kind !== 'fetched') return null;
  const where = whereOf(entry.source);
  // Several sources of one place are told apart by their order.
  const before = file.entries.slice(0, index);
  const alike = before.filter((other) => other.kind === 'fetched' && whereOf(other.source) === where);
  return digestWord([file.name, where, String(alike.length)], nameCharacters, 26);
}

/** All fetched sources of a pool file. */
export function placedSources(file: PoolFile): PlacedSource[] {
  return file.entries.flatMap((entry, index) => {
    const key = copyKeyOf(file, index);
    if (entry.kind !== 'fetched' || key === null) return [];
    const { source, format, scheme } = entry;
    const { file: path, line, column } = file.faultAt(['exits', index, source.from.kind], '');
    const definition = digestWord([JSON.stringify(source.from), format, scheme], nameCharacters, 32);
    const place = `${path}:${line}:${column}`;
    return [{ key, definition, pool: file.name, shown: shownSource(source), place, entry }];
  });
}

/** Vendors put tokens into paths as well as into queries. */
function shownSource({ from }: FetchedSource): string {
  if (from.kind === 'command') return `command ${from.argv[0]?.split('/').at(-1)}`;
  const { protocol, host } = new URL(from.url);
  return `${from.kind} ${protocol}//${host}/…`;
}

/** Kind and place of a source, but for what may be a credential, or change with one. */
function whereOf({ from }: FetchedSource): string {
  return from.kind === 'command' ? `command ${from.argv[0]}` : `${from.kind} ${new URL(from.url).host}`;
}
