import type { Moment } from '../memory/moment.ts';
import {
  readSnapshot,
  restoreSections,
  type SnapshotReading,
  type SnapshotSection,
  saveSnapshot,
} from '../memory/snapshot.ts';
import { SnapshotFile } from '../store/snapshot-file.ts';

/** How often it is saved where something was learned, in ms: what stands on the disk is never older than 5 s, with the time that
 *  writing takes. */
const SAVE_MS = 3_000;

export interface LearnedStoreOptions {
  readonly folder: string;
  readonly sections: readonly SnapshotSection[];
  /** Whether anything was learned since the last call. */
  readonly takeLearned: () => boolean;
  readonly moment: () => Moment;
  readonly warn: (line: string) => void;
}

/** What selection has learned, on the disk: one snapshot that is replaced every few seconds while something is learned, and at a
 *  stop. It is worth seconds of traffic, no promise hangs on it: what can't be read is set aside, and learned anew. */
export class LearnedStore {
  readonly #options: LearnedStoreOptions;
  readonly #file: SnapshotFile;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> | null = null;
  /** It could not be saved, which is said once, and tried again the next time. */
  #troubled = false;

  constructor(options: LearnedStoreOptions) {
    this.#options = options;
    this.#file = new SnapshotFile(options.folder, 'learned.snapshot');
  }

  /** Brings back what the last process saved, to be called before anything serves. A snapshot that is damaged, or of another
   *  version, is set aside with a warning and nothing of it used. Throws StoreError. */
  restore(): void {
    const { sections, moment, warn } = this.#options;
    const bytes = this.#file.read();
    if (bytes === null) return;
    const snapshot = readSnapshot(bytes);
    if (snapshot !== null && isOf(snapshot, sections) && restoreSections(snapshot, sections, moment()).length === 0)
      return;
    const why = 'the snapshot of what was learned about exits and sites is not understood and not used';
    warn(`${why}: see ${this.#file.setAside()}`);
  }

  /** Begins to save. */
  start(): void {
    this.#timer = setInterval(() => void this.#saveIfDue(), SAVE_MS).unref();
  }

  /** Saves for the last time. Tells what goes wrong and doesn't throw. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#saving;
    try {
      this.#file.writeNow(this.#snapshot(true));
    } catch (cause) {
      this.#tell(cause);
    }
  }

  /** Saves now, part by part, leaving the thread to others between two parts. Resolves when the snapshot stands, or it has been
   *  told that it can't be made. */
  save(): Promise<void> {
    this.#saving ??= this.#write().finally(() => {
      this.#saving = null;
    });
    return this.#saving;
  }

  async #saveIfDue(): Promise<void> {
    if (this.#saving === null && (this.#options.takeLearned() || this.#troubled)) await this.save();
  }

  async #write(): Promise<void> {
    try {
      await this.#file.write(this.#snapshot(false));
      if (this.#troubled) this.#options.warn('what was learned about exits and sites is saved again');
      this.#troubled = false;
    } catch (cause) {
      if (!this.#troubled) this.#tell(cause);
      this.#troubled = true;
    }
  }

  #snapshot(final: boolean): Iterable<Uint8Array> {
    const { sections, moment } = this.#options;
    return saveSnapshot({ ...moment(), log: 0, final }, sections);
  }

  #tell(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : cause;
    this.#options.warn(`what was learned about exits and sites can't be saved: ${why}`);
  }
}

/** Whether the snapshot has these sections in these versions, and no others. */
function isOf({ sections: saved }: SnapshotReading, sections: readonly SnapshotSection[]): boolean {
  const isThere = ({ name, version }: SnapshotSection): boolean =>
    saved.some((one) => one.name === name && one.version === version);
  return saved.length === sections.length && sections.every(isThere);
}
