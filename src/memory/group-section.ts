import { Buffer } from 'node:buffer';
import { GROUP_WORDS, type GroupTable, GroupWord } from './group-table.ts';
import { RowCodec, SavedAs, type SavedPlace } from './saved-rows.ts';
import type { SnapshotSection } from './snapshot.ts';

const { bits, figure } = SavedAs;

const codec = new RowCodec([
  { word: GroupWord.level, as: figure },
  { word: GroupWord.answers, as: bits },
  { word: GroupWord.worksNow, as: figure },
  { word: GroupWord.worksLong, as: figure },
  { word: GroupWord.attempts, as: bits },
  { word: GroupWord.failMs, as: figure },
  { word: GroupWord.lateness, as: figure },
  { word: GroupWord.pageMs, as: figure },
  { word: GroupWord.width, as: figure },
]);

/** A saved group: its row, the octets of its name in two, and from here that name in UTF-8. */
const NAME_AT = codec.octets + 2;

/** What is learned of groups as a part of a snapshot, by their names: a group comes back if its provider still has it. What its
 *  pool says of it (tier, price) isn't kept. */
export function groupSection(groups: GroupTable): SnapshotSection {
  return {
    name: 'groups',
    version: 1,
    *save() {
      // Some hundred octets each, and a few thousand at most.
      const saved = Array.from(groups.named(), ([name, row]) => savedGroup(groups, name, row));
      yield new Uint8Array(Buffer.concat(saved));
    },
    restore(parts, elapsedMs) {
      const found = parts.map(namesIn);
      if (found.includes(null)) return false;
      for (const { name, saved } of found.flatMap((names) => names ?? [])) {
        const row = groups.rowNamed(name);
        if (row === undefined || !codec.isSound(saved)) continue;
        codec.restore(saved, { ints: groups.ints, base: row * GROUP_WORDS }, { now: 0, elapsedMs });
      }
      return true;
    },
  };
}

function savedGroup(groups: GroupTable, name: string, row: number): Uint8Array {
  const text = new TextEncoder().encode(name);
  const saved = new Uint8Array(NAME_AT + text.length);
  const view = new DataView(saved.buffer);
  codec.save({ ints: groups.ints, base: row * GROUP_WORDS }, { view, at: 0 }, 0);
  view.setUint16(codec.octets, text.length, true);
  saved.set(text, NAME_AT);
  return saved;
}

/** The groups in a part and where their rows begin; null where the part holds no whole groups. */
function namesIn(part: Uint8Array): readonly { readonly name: string; readonly saved: SavedPlace }[] | null {
  const view = new DataView(part.buffer, part.byteOffset, part.length);
  const groups: { name: string; saved: SavedPlace }[] = [];
  let at = 0;
  while (at < part.length) {
    if (at + NAME_AT > part.length) return null;
    const end = at + NAME_AT + view.getUint16(at + codec.octets, true);
    if (end > part.length) return null;
    groups.push({ name: new TextDecoder().decode(part.subarray(at + NAME_AT, end)), saved: { view, at } });
    at = end;
  }
  return groups;
}
