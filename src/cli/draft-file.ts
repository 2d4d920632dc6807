import { Buffer } from 'node:buffer';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { badArgument, CommandError } from '../admin/command-error.ts';
import { makeFolder, syncFolder } from '../store/folder.ts';
import { systemCode } from '../system-code.ts';

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

/** A file that takes the place of another as a whole, or never does; of what is no regular file (a pipe, a device) it never does.
 *  Throws CommandError. */
export class DraftFile {
  readonly path: string;
  readonly #target: string;
  #descriptor: number | null = null;
  #text = '';

  /** A draft of what is to stand at `target`, in the same folder, which is made if there is none. */
  constructor(target: string, options: DraftOptions = {}) {
    this.#target = target;
    this.path = '';
    [this.#target, this.path] = this.#guarded(() => this.#begin(target, options));
  }

  /** Returns where the target is, and the draft. */
  #begin(target: string, { role = 'new', keeps }: DraftOptions): [target: string, path: string] {
    makeFolder(dirname(target));
    const standing = statSync(target, { throwIfNoEntry: false });
    const link = standing === undefined ? lstatSync(target, { throwIfNoEntry: false }) : undefined;
    if (link !== undefined) throw unreplaceable(target, 'a link that leads nowhere');
    if (standing?.isFile() === false) throw unreplaceable(target, 'no regular file');
    const place = standing === undefined ? target : realpathSync(target);
    const folder = dirname(place);
    removeStale(folder, basename(place));
    const path = join(folder, `.${basename(place)}.${process.pid}.${role}`);
    rmSync(path, { force: true });
    // Never over what somebody else has put there.
    this.#descriptor = openSync(path, 'wx', OWNER_ALONE);
    try {
      const { uid, gid } = standing ?? statSync(folder);
      if (keeps !== undefined && process.getuid?.() === 0) fchownSync(this.#descriptor, uid, gid);
      if (keeps !== undefined && standing !== undefined)
        fchmodSync(this.#descriptor, (standing.mode & keeps) | OWNER_ALONE);
    } catch (cause) {
      this.#close();
      rmSync(path, { force: true });
      throw cause;
    }
    return [place, path];
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= CHUNK) this.flush();
  }

  /** Hands on what was written, so that it can be read at `path`. */
  flush(): void {
    const octets = Buffer.from(this.#text);
    this.#text = '';
    const file = this.#descriptor;
    if (file === null) return;
    this.#guarded(() => {
      for (let at = 0; at < octets.length; ) at += writeSync(file, octets, at);
    });
  }

  /** Takes the place of the target, unless `check`, which is asked when all is written, throws. */
  commit(check: () => void = () => {}): void {
    this.flush();
    const file = this.#descriptor;
    if (file === null) return;
    this.#guarded(() => fsyncSync(file));
    check();
    this.#guarded(() => renameSync(this.path, this.#target));
    this.#close();
    this.#guarded(() => syncFolder(dirname(this.#target)));
  }

  /** Goes away, unless it was committed. */
  discard(): void {
    if (this.#descriptor === null) return;
    this.#close();
    rmSync(this.path, { force: true });
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      throw cause instanceof CommandError ? cause : unwritable(this.#target, cause);
    }
  }

  #close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

/** What stands at `path` and must not be replaced. */
function unreplaceable(path: string, what: string): CommandError {
  return badArgument(path, `it is ${what}, which is not replaced`, 'move it away, or name another file');
}

/** Why `path` can't be written. Of a list it must not look as if what is read was at fault. */
export function unwritable(path: string, cause: unknown): CommandError {
  const code = systemCode(cause);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const told = isFull ? 'the disk is full' : code;
  return new CommandError(
    {
      code: isFull ? 'full' : 'unavailable',
      message: `${path} cannot be written (${told})`,
      remedy: isFull ? 'free some space; nothing of the change was kept' : 'see its folder and permissions',
    },
    { cause },
  );
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
    return systemCode(cause) === 'EPERM';
  }
}
