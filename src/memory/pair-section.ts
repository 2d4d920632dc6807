import type { ExitRows } from './exit-rows.ts';
import type { ExitPlaces } from './exit-section.ts';
import { PAIR_WORDS, type PairTable, PairWord } from './pair-table.ts';
import { eachSaved, RowCodec, SavedAs, savedParts } from './saved-rows.ts';
import type { SnapshotSection } from './snapshot.ts';

const { bits, figure, past } = SavedAs;

const codec = new RowCodec([
  { word: PairWord.uses, as: figure },
  { word: PairWord.at, as: past },
  { word: PairWord.refusedAt, as: past },
  { word: PairWord.refusedUses, as: figure },
  { word: PairWord.strikes, as: bits },
  { word: PairWord.goods, as: bits },
  { word: PairWord.coolMs, as: bits },
]);

/** A saved pair: the exit's id in two words, the site's key, and from here its row. */
const ROW_AT = 12;
const OCTETS = ROW_AT + codec.octets;

/** Pairs of exits that stand as a part of a snapshot. Slots and generations are others after a restart: a pair comes back under
 *  those that its exit has then, unless that is gone. */
export function pairSection(
  { rows, pairs }: { readonly rows: ExitRows; readonly pairs: PairTable },
  { exits, now }: { readonly exits: ExitPlaces; readonly now: () => number },
): SnapshotSection {
  return {
    name: 'pairs',
    version: 1,
    save() {
      const savedAt = now();
      return savedParts(OCTETS, {
        count: () => pairs.capacity,
        save: (index, { view, at }) => {
          if (!pairs.isTaken(index)) return false;
          const slot = pairs.slotAt(index);
          const pair = { slot, generation: rows.generationOf(slot), site: pairs.siteAt(index) };
          if (!pairs.isOf(index, pair)) return false;
          const { high, low } = exits.idWordsOf(slot);
          view.setInt32(at, high, true);
          view.setInt32(at + 4, low, true);
          view.setInt32(at + 8, pair.site, true);
          codec.save({ ints: pairs.ints, base: index * PAIR_WORDS }, { view, at: at + ROW_AT }, savedAt);
          // Another pair may have moved in while this was read.
          return pairs.isOf(index, pair);
        },
      });
    },
    restore(parts, elapsedMs) {
      const moment = { now: now(), elapsedMs };
      return eachSaved(OCTETS, parts, ({ view, at }) => {
        const slot = exits.slotOfIdWords({ high: view.getInt32(at, true), low: view.getInt32(at + 4, true) });
        const saved = { view, at: at + ROW_AT };
        if (slot === undefined || !codec.isSound(saved)) return;
        const pair = { slot, generation: rows.generationOf(slot), site: view.getInt32(at + 8, true) };
        const base = pairs.claim(pair, moment.now);
        if (base >= 0) codec.restore(saved, { ints: pairs.ints, base }, moment);
      });
    },
  };
}
