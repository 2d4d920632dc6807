import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../store/folder.ts';

/** So much is written at once, in characters. */
const CHUNK = 65_536;

const OWNER_ALONE = 0o600;

export interface DraftOptions {
  /** Tells drafts of one target apart. */
  readonly role?: string;
  /** The bits of the target's mode that stay, beside those of its owner. Then its owner stays, too, or a new file is its folder's
   *  owner's where root writes it: the gateway may run as another user. Without it the file is for who writes it, alone. */
  readonly keeps?: number;
}

/** What a file was when it was looked at: another one, or one that was changed, has another. */
export function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'none' : [stat.ino, stat.size, stat.mtimeMs].join(' ');
}

/** A file that takes the place of another as a whole, or never does. Throws the system's errors. */
export class DraftFile {
  readonly path: string;
  readonly #target: string;
  #descriptor: number | null = null;
  #text = '';

  /** A draft of what is to stand at `target`, in the same folder, which is made if there is none. */
  constructor(target: string, { role = 'new', keeps }: DraftOptions = {}) {
    mkdirSync(dirname(target), { recursive: true });
    const standing = statSync(target, { throwIfNoEntry: false });
    this.#target = standing === undefined ? target : realpathSync(target);
    const folder = dirname(this.#target);
    removeStale(folder, basename(this.#target));
    this.path = join(folder, `.${basename(this.#target)}.${process.pid}.${role}`);
    rmSync(this.path, { force: true });
    // Never over what somebody else has put there.
    this.#descriptor = openSync(this.path, 'wx', OWNER_ALONE);
    try {
      const { uid, gid } = standing ?? statSync(folder);
      if (keeps !== undefined && process.getuid?.() === 0) fchownSync(this.#descriptor, uid, gid);
      if (keeps !== undefined && standing !== undefined)
        fchmodSync(this.#descriptor, (standing.mode & keeps) | OWNER_ALONE);
    } catch (cause) {
      this.discard();
      throw cause;
    }
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= CHUNK) this.flush();
  }

  /** Hands on what was written, so that it can be read at `path`. */
  flush(): void {
    const octets = Buffer.from(this.#text);
    this.#text = '';
    if (this.#descriptor === null) return;
    for (let at = 0; at < octets.length; ) at += writeSync(this.#descriptor, octets, at);
  }

  /** Takes the place of the target, unless `check`, which is asked when all is written, throws. */
  commit(check: () => void = () => {}): void {
    this.flush();
    if (this.#descriptor === null) return;
    fsyncSync(this.#descriptor);
    check();
    this.#close();
    renameSync(this.path, this.#target);
    syncFolder(dirname(this.#target));
  }

  /** Goes away, unless it was committed. */
  discard(): void {
    if (this.#descriptor === null) return;
    this.#close();
    rmSync(this.path, { force: true });
  }

  #close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

/** Removes drafts of processes that were killed: they may hold credentials. */
function removeStale(folder: string, name: string): void {
  for (const file of readdirSync(folder)) {
    const [, pid] = file.startsWith(`.${name}.`) ? (/\.([0-9]+)\.[a-z]+$/.exec(file) ?? []) : [];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, file), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
