import { type BuildOptions, draftEntry, type ExitDraft } from './entry-drafts.ts';
import { digestName, type Exit, type Pool } from './exit.ts';
import type { DemoCounts, PoolFault, PoolFile } from './pool-file.ts';

export type { BuildOptions, DemoExit } from './entry-drafts.ts';

/** What came of all pool files. With any fault the pools are incomplete and should not be used. */
export interface BuiltPools {
  readonly pools: readonly Pool[];
  readonly faults: readonly PoolFault[];
  /** Exits that a pool names more than once, merged into the first. */
  readonly duplicates: number;
}

/** Characters of an exit's id: 50 bits. */
const ID_LENGTH = 10;

/** Makes the exits of all pool files. Ids are unique over all, and the same at every start as long as the files say the same. */
export function buildPools(files: readonly PoolFile[], options: BuildOptions): BuiltPools {
  const homes = new Map<string, string>();
  const ids = new Set<string>();
  const pools: Pool[] = [];
  const faults: PoolFault[] = [];
  let duplicates = 0;
  for (const file of files) {
    const home = homes.get(file.name);
    if (home !== undefined) {
      faults.push(file.faultAt(['pool'], `pool "${file.name}" stands in ${home} already`));
      continue;
    }
    homes.set(file.name, file.file);
    const entries = file.entries.map((_, index) => draftEntry(file, index, options));
    const drafts = entries.flatMap((entry) => entry.drafts);
    const exits = nameExits(drafts, ids);
    faults.push(...entries.flatMap((entry) => entry.faults));
    duplicates += drafts.length - exits.length + entries.reduce((sum, entry) => sum + entry.duplicates, 0);
    const { name, tier, price, strategy, hedge } = file;
    pools.push({ name, tier, price, strategy, hedge, exits });
  }
  return { pools, faults, duplicates };
}

/** The local exits that the `demo` entries of all files ask for together, or null where none does. */
export function demoCountsOf(files: readonly PoolFile[]): DemoCounts | null {
  const counts = files.flatMap((file) =>
    file.entries.flatMap((entry) => (entry.kind === 'demo' ? [entry.counts] : [])),
  );
  if (counts.length === 0) return null;
  const sum = (kind: keyof DemoCounts) => counts.reduce((total, count) => total + count[kind], 0);
  return { http: sum('http'), https: sum('https'), socks5: sum('socks5') };
}

/** Gives each draft its id and drops those whose endpoint, credential included, came before. */
function nameExits(drafts: readonly ExitDraft[], ids: Set<string>): Exit[] {
  const seen = new Set<string>();
  const numbers = new Map<string, number>();
  return drafts.flatMap(({ identity, ...exit }) => {
    const key = JSON.stringify(exit.endpoint);
    if (seen.has(key)) return [];
    seen.add(key);
    const name = JSON.stringify(identity);
    const taken = takeId(identity, numbers.get(name) ?? 0, ids);
    numbers.set(name, taken.number + 1);
    return [Object.freeze({ id: taken.id, ...exit })];
  });
}

/** The first free id from `first` on: exits that differ by password alone (some vendors put parameters there) are numbered as
 *  they come. */
function takeId(identity: readonly string[], first: number, ids: Set<string>): { id: string; number: number } {
  for (let number = first; ; number += 1) {
    const id = digestName([...identity, String(number)], ID_LENGTH);
    if (ids.has(id)) continue;
    ids.add(id);
    return { id, number };
  }
}
