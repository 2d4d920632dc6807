import { eachSaved, RowCodec, SavedAs, type SavedWord, savedParts } from './saved-rows.ts';
import { SITE_NAME_OCTETS, SITE_WORDS, type SiteTable, SiteWord } from './site-table.ts';
import type { SnapshotSection } from './snapshot.ts';

const { bits, figure, past } = SavedAs;

const run = (first: number, count: number, as: SavedWord['as']): readonly SavedWord[] =>
  Array.from({ length: count }, (_, index) => ({ word: first + index, as }));

const codec = new RowCodec([
  { word: SiteWord.at, as: past },
  { word: SiteWord.watched, as: bits },
  { word: SiteWord.limit, as: figure },
  { word: SiteWord.limitedAt, as: past },
  { word: SiteWord.demand, as: figure },
  { word: SiteWord.demandAt, as: past },
  { word: SiteWord.coolMs, as: figure },
  { word: SiteWord.persist, as: figure },
  { word: SiteWord.servedOld, as: figure },
  { word: SiteWord.ownMs, as: figure },
  { word: SiteWord.answers, as: bits },
  { word: SiteWord.octets, as: figure },
  { word: SiteWord.borne, as: figure },
  ...run(SiteWord.servedNew, 4, figure),
  ...run(SiteWord.servedNewAt, 4, past),
  ...run(SiteWord.name, SITE_NAME_OCTETS / 4, bits),
]);

/** A saved site: its key in four words, and from here its row, with its name. */
const ROW_AT = 16;
const OCTETS = ROW_AT + codec.octets;

/** All sites as a part of a snapshot, each by its key, which is a hash with a secret that outlives the process. */
export function siteSection(sites: SiteTable, { now }: { readonly now: () => number }): SnapshotSection {
  return {
    name: 'sites',
    version: 1,
    save() {
      const savedAt = now();
      return savedParts(OCTETS, {
        count: () => sites.capacity,
        save: (row, { view, at }) => {
          const key = sites.siteKeyOf(row);
          if (key === null) return false;
          key.forEach((word, index) => {
            view.setInt32(at + index * 4, word, true);
          });
          codec.save({ ints: sites.ints, base: row * SITE_WORDS }, { view, at: at + ROW_AT }, savedAt);
          // Another site may have moved in while this was read.
          return sites.holds(row, key);
        },
      });
    },
    restore(parts, elapsedMs) {
      const moment = { now: now(), elapsedMs };
      return eachSaved(OCTETS, parts, ({ view, at }) => {
        const saved = { view, at: at + ROW_AT };
        if (!codec.isSound(saved)) return;
        const word = (index: number) => view.getInt32(at + index * 4, true);
        // Its name comes back with its row.
        const row = sites.rowOf([word(0), word(1), word(2), word(3)], '', moment.now);
        if (row >= 0) codec.restore(saved, { ints: sites.ints, base: row * SITE_WORDS }, moment);
      });
    },
  };
}
