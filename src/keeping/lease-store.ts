import type { LeaseEntry } from '../memory/lease.ts';
import { decodeLeases, encodeLeases, type SavedChange, type SavedLease } from '../memory/lease-codec.ts';
import type { Moment } from '../memory/moment.ts';
import {
  FrameKind,
  frameOf,
  noteOf,
  readFrames,
  readNote,
  readSnapshot,
  type SnapshotReading,
  type SnapshotSection,
  saveSnapshot,
} from '../memory/snapshot.ts';
import { type FoundLog, LeaseLog } from '../store/lease-log.ts';
import { SnapshotFile } from '../store/snapshot-file.ts';
import { StoreError } from '../store/store-error.ts';
import type { LeaseMemory } from '../threads/lease-memory.ts';

/** How often changes are appended to the log, in ms: with a busy event loop, still within 100. */
const APPEND_MS = 50;

/** How often it is looked whether a new snapshot is due, in ms … */
const LOOK_MS = 5_000;

/** … which it is when the log has grown beyond the last snapshot, and beyond this, in octets. */
const LEAST_LOG = 256 * 1024;

/** Leases in one part of a snapshot, and changes in one frame of the log. */
const BATCH = 2_000;

const SECTION = 'leases';
const VERSION = 3;

/** What a log begins with, beside the start of the system that it is of. */
const LOG_FORMAT = `roundabout leases ${VERSION}`;

export interface LeaseStoreOptions {
  readonly folder: string;
  readonly leases: LeaseMemory;
  /** Where the exit of this id is now; null where there is none. */
  readonly placeOf: (exit: string) => { readonly slot: number; readonly generation: number } | null;
  readonly moment: () => Moment;
  readonly warn: (line: string) => void;
}

/** What came back at a start. */
export interface RestoredLeases {
  readonly count: number;
  /** Whether no session that was ever told of a success can be missing. */
  readonly complete: boolean;
}

/** Leases on the disk: a snapshot, and behind it logs of what changed since. Changes are appended without waiting for the disk,
 *  so that a kill of the process loses at most the last 100 ms, and nothing of strict sessions; a power cut may lose more, and
 *  then the next start knows that it may. What an operator was told of survives both (`keep`). */
export class LeaseStore {
  readonly #options: LeaseStoreOptions;
  readonly #file: SnapshotFile;
  readonly #log: LeaseLog;
  readonly #timers: NodeJS.Timeout[] = [];
  #snapshotOctets = 0;
  #saving: Promise<void> | null = null;
  /** Something could not be written, which is said once, and tried again at the next look. */
  #troubled = false;

  constructor(options: LeaseStoreOptions) {
    this.#options = options;
    this.#file = new SnapshotFile(options.folder, 'leases.snapshot');
    this.#log = new LeaseLog(options.folder);
  }

  /** Brings back the leases that the last process left, to be called before anything serves. A lease whose exit is gone comes
   *  back without it, so that its session can move, or, if it is strict, be told that it is lost. Throws StoreError. */
  restore(): RestoredLeases {
    const logs = this.#log.found();
    const bytes = this.#file.read();
    const snapshot = bytes === null ? null : understood(bytes);
    const isBad = bytes !== null && snapshot === null;
    if (isBad)
      this.#options.warn(`the snapshot of sessions is not understood and not used: see ${this.#file.setAside()}`);
    const leases = new Map<string, SavedLease>();
    const now = this.#options.moment();
    for (const change of savedIn(snapshot, now)) keep(leases, change);
    const later = logs.filter(({ number }) => number >= (snapshot?.header.log ?? 0)).map(readLog);
    for (const log of later) for (const change of changesIn(log, now)) keep(leases, change);
    const isForeign = later.some(({ boot }) => boot === null);
    if (isForeign) this.#options.warn('a log of sessions is of another version and not used');
    let count = 0;
    for (const lease of leases.values()) if (this.#bringBack(lease, now)) count++;
    return { count, complete: !isBad && !isForeign && this.#isComplete(snapshot, later) };
  }

  /** Begins to write. Throws StoreError where not even a log can be made. */
  start(): void {
    this.#beginLog();
    this.#timers.push(setInterval(() => this.append(), APPEND_MS).unref());
    this.#timers.push(setInterval(() => void this.#saveIfDue(), LOOK_MS).unref());
    void this.save();
  }

  /** The last snapshot. Tells what goes wrong and doesn't throw. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#saving;
    try {
      this.#file.writeNow(saveSnapshot(this.#header({ log: this.#log.number + 1, final: true }), [this.#section()]));
      this.#log.dropBefore(this.#log.number + 1);
    } catch (cause) {
      this.#appendChanges();
      this.#markBroken();
      this.#options.warn(`sessions could not be saved: ${cause instanceof Error ? cause.message : cause}`);
    }
    const { words, layout } = this.#options.leases;
    words.store(layout.log, 0);
    this.#log.close();
  }

  #isComplete(snapshot: SnapshotReading | null, logs: readonly ReadLog[]): boolean {
    if (logs.some(({ partial }) => partial)) return false;
    if (snapshot === null) return logs.length === 0;
    const { final, boot } = snapshot.header;
    return final || (boot !== '' && boot === this.#options.moment().boot);
  }

  #bringBack(lease: SavedLease, now: Moment): boolean {
    if (lease.endsInMs <= 0 || lease.restedMs >= lease.idleMs) return false;
    const place = this.#options.placeOf(lease.exit) ?? { slot: -1, generation: 0 };
    return this.#options.leases.table.restore({ ...lease, ...place }, now.systemMs);
  }

  #beginLog(): void {
    const { words, layout } = this.#options.leases;
    const { boot } = this.#options.moment();
    const isBegun = this.#log.begin(noteOf({ format: LOG_FORMAT, boot }));
    // Known to other threads only now: nothing comes before its note.
    words.store(layout.log, this.#log.descriptor + 1);
    words.store(layout.logBroken, isBegun ? 0 : 1);
  }

  /** Appends what changed since the last time. Where that can't be done, a new snapshot is begun instead. */
  append(): void {
    this.#appendChanges();
    if (this.#markBroken() && this.#saving === null && !this.#troubled) void this.save();
  }

  /** Whether something could not be written to the log that stands, which is noted for the next start. */
  #markBroken(): boolean {
    const { words, layout } = this.#options.leases;
    if (words.load(layout.logBroken) === 0) return false;
    this.#log.markPartial();
    return true;
  }

  /** Waits, blocking, until the disk has all that changed so far. Throws StoreError where it hasn't; what changed is in memory all the
   *  same, and is in the next snapshot. */
  keep(): void {
    const { words, layout } = this.#options.leases;
    this.#appendChanges();
    // Nothing is read behind a frame that was cut, whoever wrote it.
    if (words.load(layout.logBroken) !== 0)
      throw new StoreError('unavailable', {
        detail: 'the change holds now, but could not be written to the disk',
        remedy: 'check the data folder and the disk, and do it again',
      });
    this.#log.sync();
  }

  #appendChanges(): void {
    const { keeper, words, layout } = this.#options.leases;
    const taken = this.#options.moment();
    const changes = [...keeper.takeChanges(taken.systemMs)];
    for (let at = 0; at < changes.length; at += BATCH) {
      const payload = encodeLeases(changes.slice(at, at + BATCH), taken);
      if (!this.#log.append(frameOf({ kind: FrameKind.part, payload }))) words.store(layout.logBroken, 1);
    }
  }

  async #saveIfDue(): Promise<void> {
    if (this.#troubled || this.#log.octets > Math.max(LEAST_LOG, this.#snapshotOctets)) await this.save();
  }

  /** Makes a snapshot of everything up to the beginning of a new log; what changes while it is written is in that log. Resolves
   *  when it stands, or it has been told that it can't be made. */
  save(): Promise<void> {
    this.#saving ??= this.#writeSnapshot().finally(() => {
      this.#saving = null;
    });
    return this.#saving;
  }

  async #writeSnapshot(): Promise<void> {
    try {
      this.#appendChanges();
      // While none can be made the log that stands goes on, as long as it is whole: they would pile up.
      const goesOn = !this.#markBroken() && this.#troubled;
      if (!goesOn) this.#beginLog();
      const log = this.#log.number;
      const chunks = saveSnapshot(this.#header({ log, final: false }), [this.#section()]);
      this.#snapshotOctets = await this.#file.write(chunks);
      this.#log.dropBefore(log);
      if (!this.#markBroken()) this.#log.markWhole();
      if (this.#troubled) this.#options.warn('sessions are saved again');
      this.#troubled = false;
      // What such a log tells of before this snapshot is older than what stands there.
      if (goesOn) await this.#writeSnapshot();
    } catch (cause) {
      this.#markBroken();
      if (!this.#troubled)
        this.#options.warn(`sessions can't be saved: ${cause instanceof Error ? cause.message : cause}`);
      this.#troubled = true;
    }
  }

  #header({ log, final }: { readonly log: number; readonly final: boolean }) {
    return { ...this.#options.moment(), log, final };
  }

  #section(): Pick<SnapshotSection, 'name' | 'version' | 'save'> {
    const { keeper } = this.#options.leases;
    const { moment } = this.#options;
    return {
      name: SECTION,
      version: VERSION,
      *save() {
        let batch: LeaseEntry[] = [];
        const taken = moment();
        for (const entry of keeper.entries(taken.systemMs)) {
          batch.push(entry);
          if (batch.length < BATCH) continue;
          yield encodeLeases(batch, taken);
          batch = [];
        }
        yield encodeLeases(batch, taken);
      },
    };
  }
}

/** The snapshot, if its leases are of the version that is understood. */
function understood(bytes: Uint8Array): SnapshotReading | null {
  const snapshot = readSnapshot(bytes);
  return snapshot?.sections.every(({ name, version }) => name === SECTION && version === VERSION) ? snapshot : null;
}

function* savedIn(snapshot: SnapshotReading | null, now: Moment): Generator<SavedChange, undefined> {
  const { boot = '' } = snapshot?.header ?? {};
  for (const { parts } of snapshot?.sections ?? [])
    for (const part of parts) yield* decodeLeases(part, { boot, now }) ?? [];
}

interface ReadLog extends Pick<FoundLog, 'partial'> {
  /** Which start of the system it is of; null where the log is of another version. */
  readonly boot: string | null;
  readonly batches: readonly Uint8Array[];
}

/** A log's end may be cut where the process was killed. */
function readLog({ content, partial }: FoundLog): ReadLog {
  const [head, ...rest] = readFrames(content).frames;
  const note = readNote(head);
  const isForeign = head !== undefined && note?.get('format') !== LOG_FORMAT;
  const boot = isForeign ? null : String(note?.get('boot') ?? '');
  return { partial, boot, batches: isForeign ? [] : rest.map(({ payload }) => payload) };
}

function* changesIn({ boot, batches }: ReadLog, now: Moment): Generator<SavedChange, undefined> {
  if (boot !== null) for (const batch of batches) yield* decodeLeases(batch, { boot, now }) ?? [];
}

/** What comes later counts. */
function keep(leases: Map<string, SavedLease>, change: SavedChange): void {
  const key = change.key.join();
  if (change.exit === null) leases.delete(key);
  else leases.set(key, change);
}
