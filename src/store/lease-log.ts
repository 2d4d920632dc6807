import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from './folder.ts';
import { asStoreError } from './store-error.ts';

/** One log as it was found: its number, its content, and whether something is known to be missing in it. */
export interface FoundLog {
  readonly number: number;
  readonly content: Uint8Array;
  readonly partial: boolean;
}

const namePattern = /^leases\.(\d{1,9})\.log(\.partial)?$/;

/** Appends one frame. The system keeps it from then on, though this process be killed; a power cut may lose it. Safe to be called
 *  by any thread of the process. Returns false where it could not be written, or not all of it. */
export function appendFrame(descriptor: number, frame: Uint8Array): boolean {
  try {
    return writeSync(descriptor, frame) === frame.length;
  } catch {
    return false;
  }
}

/** The logs of leases in the data folder, `leases.<number>.log`: what changed since a snapshot. A new one begins with each
 *  snapshot; those before it go once it stands. */
export class LeaseLog {
  readonly #folder: string;
  #number = 0;
  #descriptor = -1;
  /** Another thread may be about to write to the former one: it stays open until the next begins. */
  #former = -1;
  #octets = 0;
  /** Whether the open one is marked. */
  #isPartial = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get number(): number {
    return this.#number;
  }

  /** Of the open log, for threads that append to it themselves. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** What this thread has appended to the open log. */
  get octets(): number {
    return this.#octets;
  }

  /** All logs there are, in order. Throws StoreError. */
  found(): FoundLog[] {
    try {
      const logs = this.#names().map(({ name, number, partial }) => ({
        number,
        partial,
        content: readFileSync(join(this.#folder, name)),
      }));
      return logs.sort((a, b) => a.number - b.number);
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  /** Begins another log, with the next number and this frame; the open one anew, where that is marked, as it stays, and has no more than
   *  this frame. Returns false where it could not be written. Throws StoreError. */
  begin(head: Uint8Array): boolean {
    try {
      if (this.#isPartial && this.#isNoLongerThan(head)) ftruncateSync(this.#descriptor, 0);
      else this.#open();
      this.#octets = 0;
      return this.append(head);
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  /** Appends one frame to the open log. Returns false where it could not be written. */
  append(frame: Uint8Array): boolean {
    this.#octets += frame.length;
    return appendFrame(this.#descriptor, frame);
  }

  /** Makes all that was appended to the open log, by any thread, survive a power cut. Throws StoreError. */
  sync(): void {
    try {
      fdatasyncSync(this.#descriptor);
      syncFolder(this.#folder);
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  /** Notes for the next start that something is missing in the open log. */
  markPartial(): void {
    if (this.#isPartial) return;
    try {
      renameSync(this.#path(this.#number), this.#partialPath(this.#number));
      this.#isPartial = true;
    } catch {
      // It is gone; a disk that renames nothing has kept nothing either.
    }
  }

  /** Nothing is missing behind a snapshot that stands by now. Throws StoreError. */
  markWhole(): void {
    if (!this.#isPartial) return;
    try {
      renameSync(this.#partialPath(this.#number), this.#path(this.#number));
      this.#isPartial = false;
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  /** Takes the logs before `number` away. Throws StoreError. */
  dropBefore(number: number): void {
    try {
      for (const log of this.#names()) if (log.number < number) rmSync(join(this.#folder, log.name), { force: true });
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  close(): void {
    for (const descriptor of [this.#former, this.#descriptor]) if (descriptor >= 0) closeSync(descriptor);
    this.#former = -1;
    this.#descriptor = -1;
  }

  #open(): void {
    const number = Math.max(this.#number, ...this.#names().map((log) => log.number)) + 1;
    const descriptor = openSync(this.#path(number), 'ax', 0o600);
    if (this.#former >= 0) closeSync(this.#former);
    this.#former = this.#descriptor;
    this.#descriptor = descriptor;
    this.#number = number;
    this.#isPartial = false;
  }

  /** Whether the open one is there, and has nothing but its head, or a part of that. */
  #isNoLongerThan(head: Uint8Array): boolean {
    const { nlink, size } = fstatSync(this.#descriptor);
    return nlink > 0 && size <= head.length;
  }

  #names(): { readonly name: string; readonly number: number; readonly partial: boolean }[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const [, number, partial] = namePattern.exec(name) ?? [];
      return number === undefined ? [] : [{ name, number: Number(number), partial: partial !== undefined }];
    });
  }

  #path(number: number): string {
    return join(this.#folder, `leases.${number}.log`);
  }

  #partialPath(number: number): string {
    return `${this.#path(number)}.partial`;
  }
}
