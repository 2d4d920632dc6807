import type { ExitRows } from './exit-rows.ts';
import type { ExitPlaces } from './exit-section.ts';
import { PAIR_WORDS, type PairTable, PairWord, RefusalWord } from './pair-table.ts';
import { eachSaved, RowCodec, SavedAs, savedParts } from './saved-rows.ts';
import type { SnapshotSection } from './snapshot.ts';

const { bits, figure, past } = SavedAs;

const rowCodec = new RowCodec([
  { word: PairWord.uses, as: figure },
  { word: PairWord.at, as: past },
  { word: PairWord.counts, as: bits },
]);

const refusalCodec = new RowCodec([
  { word: RefusalWord.at, as: past },
  { word: RefusalWord.uses, as: figure },
  { word: RefusalWord.coolMs, as: bits },
  { word: RefusalWord.by, as: bits },
]);

/** A saved pair: the exit's id in two words, the site's key, from here its row, and from there what is told of refusals. */
const ROW_AT = 12;
const REFUSAL_AT = ROW_AT + rowCodec.octets;
const OCTETS = REFUSAL_AT + refusalCodec.octets;

/** Pairs of exits that stand as a part of a snapshot. Slots and generations are others after a restart: a pair comes back under
 *  those that its exit has then, unless that is gone. */
export function pairSection(
  { rows, pairs }: { readonly rows: ExitRows; readonly pairs: PairTable },
  { exits, now }: { readonly exits: ExitPlaces; readonly now: () => number },
): SnapshotSection {
  return {
    name: 'pairs',
    version: 3,
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
          const row = index * PAIR_WORDS;
          rowCodec.save({ ints: pairs.ints, base: row }, { view, at: at + ROW_AT }, savedAt);
          const refusal = { ints: pairs.refusals.ints, base: pairs.refusalOf(row) };
          refusalCodec.save(refusal, { view, at: at + REFUSAL_AT }, savedAt);
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
        const refusal = { view, at: at + REFUSAL_AT };
        if (slot === undefined || !rowCodec.isSound(saved) || !refusalCodec.isSound(refusal)) return;
        const pair = { slot, generation: rows.generationOf(slot), site: view.getInt32(at + 8, true) };
        const base = pairs.claim(pair, moment.now);
        if (base < 0) return;
        rowCodec.restore(saved, { ints: pairs.ints, base }, moment);
        refusalCodec.restore(refusal, { ints: pairs.refusals.ints, base: pairs.refusalOf(base) }, moment);
      });
    },
  };
}
