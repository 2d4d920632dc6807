import { EXIT_WORDS, ExitFlag, type ExitRows, ExitWord, History } from './exit-rows.ts';
import { eachSaved, RowCodec, SavedAs, savedParts } from './saved-rows.ts';
import type { SnapshotSection } from './snapshot.ts';

/** An exit's id, which it keeps over a restart, in two words. */
interface IdWords {
  readonly high: number;
  readonly low: number;
}

/** Which exit is where now. */
export interface ExitPlaces {
  readonly slotCount: number;
  idWordsOf(slot: number): IdWords;
  slotOfIdWords(id: IdWords): number | undefined;
}

const { bits, figure, past, due } = SavedAs;

const codec = new RowCodec([
  { word: ExitWord.speed, as: figure },
  { word: ExitWord.doubt, as: figure },
  { word: ExitWord.good, as: figure },
  { word: ExitWord.bad, as: figure },
  { word: ExitWord.at, as: past },
  { word: ExitWord.width, as: figure },
  { word: ExitWord.joined, as: past },
  { word: ExitWord.workedAt, as: past },
  { word: ExitWord.history, as: bits },
  { word: ExitWord.ejectedUntil, as: due },
  { word: ExitWord.latency, as: figure },
]);

/** A saved exit: its id in two words, and from here its row. */
const ROW_AT = 8;
const OCTETS = ROW_AT + codec.octets;

/** Exits that ever worked or failed, as a part of a snapshot: by their ids, so that each comes back wherever it
 *  stands then, unless it is gone. What is in flight or waits isn't kept. */
export function exitSection(
  rows: ExitRows,
  { exits, now }: { readonly exits: ExitPlaces; readonly now: () => number },
): SnapshotSection {
  return {
    name: 'exits',
    version: 2,
    save() {
      const savedAt = now();
      return savedParts(OCTETS, {
        count: () => Math.min(exits.slotCount, rows.length),
        save: (slot, { view, at }) => {
          const base = slot * EXIT_WORDS;
          if (rows.hasFlag(slot, ExitFlag.vacant) || (rows.ints[base + ExitWord.history] ?? 0) === 0) return false;
          const { high, low } = exits.idWordsOf(slot);
          view.setInt32(at, high, true);
          view.setInt32(at + 4, low, true);
          codec.save({ ints: rows.ints, base }, { view, at: at + ROW_AT }, savedAt);
          return true;
        },
      });
    },
    restore(parts, elapsedMs) {
      const moment = { now: now(), elapsedMs };
      return eachSaved(OCTETS, parts, ({ view, at }) => {
        const slot = exits.slotOfIdWords({ high: view.getInt32(at, true), low: view.getInt32(at + 4, true) });
        const saved = { view, at: at + ROW_AT };
        if (slot === undefined || !rows.reaches(slot) || !codec.isSound(saved)) return;
        const base = slot * EXIT_WORDS;
        codec.restore(saved, { ints: rows.ints, base }, moment);
        // Whoever was trying it is gone.
        rows.ints[base + ExitWord.history] = (rows.ints[base + ExitWord.history] ?? 0) & ~History.onTrial;
      });
    },
  };
}
