import type { ExitRows } from './exit-rows.ts';
import { type ExitPlaces, exitSection } from './exit-section.ts';
import { groupSection } from './group-section.ts';
import type { GroupTable } from './group-table.ts';
import { pairSection } from './pair-section.ts';
import type { PairTable } from './pair-table.ts';
import { siteSection } from './site-section.ts';
import type { SiteTable } from './site-table.ts';
import type { SnapshotSection } from './snapshot.ts';

/** What is learned, in the tables that all threads share. */
export interface LearnedTables {
  readonly rows: ExitRows;
  readonly groups: GroupTable;
  readonly sites: SiteTable;
  readonly pairs: PairTable;
}

/** Everything that is learned, as the sections of one snapshot. `exits` says which exit is where now; `now` is the clock that all
 *  threads share, in ms. Exits and groups must stand before they are restored. */
export function learnedSections(
  { rows, groups, sites, pairs }: LearnedTables,
  options: { readonly exits: ExitPlaces; readonly now: () => number },
): readonly SnapshotSection[] {
  return [
    groupSection(groups),
    exitSection(rows, options),
    siteSection(sites, options),
    pairSection({ rows, pairs }, options),
  ];
}
