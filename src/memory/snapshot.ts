import { crc32 } from 'node:zlib';
import { elapsedBetween, type Moment } from './moment.ts';

/** How bytes on the disk are framed. Before each payload: its length and its CRC-32 (seeded with its kind), both uint32,
 *  little-endian, and its kind, an octet. What was cut or changed is known by that. */
const HEAD_OCTETS = 9;

/** A frame longer than this, in octets, is damage. */
const MOST_OCTETS = 64 * 1024 * 1024;

/** A frame holds JSON about what stands around it, or a table's bytes. */
export const FrameKind = Object.freeze({ note: 1, part: 2 });

export interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** The payload with its frame. */
export function frameOf({ kind, payload }: Frame): Uint8Array {
  const frame = new Uint8Array(HEAD_OCTETS + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload, kind), true);
  view.setUint8(8, kind);
  frame.set(payload, HEAD_OCTETS);
  return frame;
}

/** The whole and unchanged frames at the beginning of `bytes`; `rest` is how many octets follow that are none. */
export function readFrames(bytes: Uint8Array): { readonly frames: readonly Frame[]; readonly rest: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= HEAD_OCTETS) {
    const length = view.getUint32(at, true);
    if (length > MOST_OCTETS || length > bytes.length - at - HEAD_OCTETS) break;
    const kind = view.getUint8(at + 8);
    const payload = bytes.subarray(at + HEAD_OCTETS, at + HEAD_OCTETS + length);
    if (crc32(payload, kind) !== view.getUint32(at + 4, true)) break;
    frames.push({ kind, payload });
    at += HEAD_OCTETS + length;
  }
  return { frames, rest: bytes.length - at };
}

/** One table's part in a snapshot. */
export interface SnapshotSection {
  /** Unique in its snapshot. */
  readonly name: string;
  /** Raised whenever its bytes mean something else: bytes of another version are not restored. */
  readonly version: number;
  /** Its bytes, in parts of a few MiB at most; between two parts others may work. */
  save(): Iterable<Uint8Array>;
  /** Takes back what an earlier process saved, once, before anything else uses the table. Returns false where the bytes mean
   *  nothing, and then has restored nothing. `elapsedMs` have passed since they were saved. */
  restore(parts: readonly Uint8Array[], elapsedMs: number): boolean;
}

/** What a snapshot says of itself: when it was begun. What was not yet on the disk is lost with that start of the system. */
export interface SnapshotHeader extends Moment {
  /** The number of the first log that is not in it. */
  readonly log: number;
  /** Nothing was changed after it: the gateway stopped by itself. */
  readonly final: boolean;
}

export interface SavedSection {
  readonly name: string;
  readonly version: number;
  readonly parts: readonly Uint8Array[];
}

/** A snapshot that was read. */
export interface SnapshotReading {
  readonly header: SnapshotHeader;
  readonly sections: readonly SavedSection[];
}

const FORMAT = 'roundabout snapshot 2';

/** A snapshot as frames: a note with its header, for each section a note with its name and then its parts, and a note that
 *  counts them all. */
export function* saveSnapshot(
  header: SnapshotHeader,
  sections: readonly Pick<SnapshotSection, 'name' | 'version' | 'save'>[],
): Generator<Uint8Array, undefined> {
  yield noteOf({ format: FORMAT, ...header });
  let frames = 1;
  for (const section of sections) {
    yield noteOf({ section: section.name, version: section.version });
    frames++;
    for (const payload of section.save()) {
      yield frameOf({ kind: FrameKind.part, payload });
      frames++;
    }
  }
  yield noteOf({ end: frames });
}

/** Reads what `saveSnapshot` made; null where any of it is missing or changed. */
export function readSnapshot(bytes: Uint8Array): SnapshotReading | null {
  const { frames, rest } = readFrames(bytes);
  const header = headerOf(frames[0]);
  if (rest !== 0 || header === null || readNote(frames.at(-1))?.get('end') !== frames.length - 1) return null;
  const sections: { name: string; version: number; parts: Uint8Array[] }[] = [];
  for (const frame of frames.slice(1, -1)) {
    if (frame.kind === FrameKind.part) {
      sections.at(-1)?.parts.push(frame.payload);
      continue;
    }
    const note = readNote(frame);
    sections.push({ name: String(note?.get('section')), version: Number(note?.get('version')), parts: [] });
  }
  return { header, sections };
}

/** Restores every section that the snapshot has in the version that is understood. Returns the names of those that it has, but
 *  not so. */
export function restoreSections(
  { sections: saved, header }: SnapshotReading,
  sections: readonly SnapshotSection[],
  now: Moment,
): readonly string[] {
  const elapsedMs = elapsedBetween(header, now);
  return sections.flatMap((section) => {
    const found = saved.find(({ name }) => name === section.name);
    if (found === undefined) return [];
    return found.version === section.version && section.restore(found.parts, elapsedMs) ? [] : [section.name];
  });
}

/** A note with these members. */
export const noteOf = (value: object): Uint8Array =>
  frameOf({ kind: FrameKind.note, payload: new TextEncoder().encode(JSON.stringify(value)) });

/** The members of a note; null where the frame isn't there or is none. */
export function readNote(frame: Frame | undefined): ReadonlyMap<string, unknown> | null {
  if (frame?.kind !== FrameKind.note) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame.payload));
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null;
  } catch {
    return null;
  }
}

function headerOf(frame: Frame | undefined): SnapshotHeader | null {
  const note = readNote(frame);
  if (note?.get('format') !== FORMAT) return null;
  const [wallTime, systemMs] = [note.get('wallTime'), note.get('systemMs')];
  const [log, boot] = [note.get('log'), note.get('boot')];
  if (typeof wallTime !== 'number' || typeof systemMs !== 'number') return null;
  if (typeof log !== 'number' || typeof boot !== 'string') return null;
  return { wallTime, systemMs, boot, log, final: note.get('final') === true };
}
