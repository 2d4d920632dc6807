import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../system-code.ts';
import { syncFolder } from './folder.ts';
import { asStoreError } from './store-error.ts';

/** A file in the data folder that is replaced as a whole: it has the former content or the new one, never a part. Once it is replaced, that
 *  survives a power cut: what it makes needless may be taken away. */
export class SnapshotFile {
  readonly name: string;
  readonly #folder: string;
  readonly #path: string;
  readonly #draft: string;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#folder = folder;
    this.#path = join(folder, name);
    this.#draft = `${this.#path}.new`;
  }

  /** Its content; null where there is none. Throws StoreError. */
  read(): Uint8Array | null {
    try {
      return readFileSync(this.#path);
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return null;
      throw asStoreError(cause);
    }
  }

  /** Takes the file away, keeping it as `<name>.bad` for whoever wants to know what happened. Returns that name. Throws
   *  StoreError. */
  setAside(): string {
    try {
      renameSync(this.#path, `${this.#path}.bad`);
      return `${this.name}.bad`;
    } catch (cause) {
      throw asStoreError(cause);
    }
  }

  /** Replaces the content, leaving the event loop to others between chunks. Returns its octets. Rejects with StoreError. */
  async write(chunks: Iterable<Uint8Array>): Promise<number> {
    let size = 0;
    try {
      const file = await open(this.#draft, 'w', 0o600);
      try {
        for (const chunk of chunks) {
          await file.writeFile(chunk);
          size += chunk.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(this.#draft, this.#path);
      await this.#syncFolder();
      return size;
    } catch (cause) {
      await rm(this.#draft, { force: true }).catch(() => {});
      throw asStoreError(cause);
    }
  }

  /** The same at once, for the end of the process. Throws StoreError. */
  writeNow(chunks: Iterable<Uint8Array>): void {
    try {
      const descriptor = openSync(this.#draft, 'w', 0o600);
      try {
        for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(this.#draft, this.#path);
      syncFolder(this.#folder);
    } catch (cause) {
      rmSync(this.#draft, { force: true });
      throw asStoreError(cause);
    }
  }

  /** Without holding up the event loop: a disk may take its time. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder);
    await folder.sync().finally(() => folder.close());
  }
}
