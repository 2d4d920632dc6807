import { existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreError } from '../store/store-error.ts';
import { systemCode } from '../system-code.ts';
import { StartFault } from '../threads/start-fault.ts';

/** A path that the gateway writes to, and the key or option that names it. */
export interface NamedPath {
  readonly setting: string;
  readonly path: string;
  /** Folders that are missing on the way there are made. */
  readonly makesFolders?: boolean;
}

/** The data folder; `option` is what `--data` says. */
export function dataPath(path: string, option: string | undefined): NamedPath {
  return { setting: option === undefined ? 'data' : '--data', path, makesFolders: true };
}

/** Why a start could not use what stands in the data folder, with that folder: of several disks one is full. */
export function storeFault({ setting, path }: NamedPath, cause: StoreError): StartFault {
  const { detail, remedy } = cause;
  return new StartFault(1, [detail.includes(path) ? detail : `${setting}: ${path}: ${detail}`, remedy], { cause });
}

/** Does what opens or tries a path. Rejects with StartFault that names the setting, why the path can't be used, and what to do. */
export async function openPath<Opened>(named: NamedPath, open: () => Opened | Promise<Opened>): Promise<Opened> {
  try {
    return await open();
  } catch (cause) {
    throw cause instanceof StartFault ? cause : pathFault(named, cause);
  }
}

function pathFault(named: NamedPath, cause: unknown): StartFault {
  const code = systemCode(cause);
  const { setting, path } = named;
  const [why, remedy] = code === 'ENOENT' || code === 'EEXIST' ? missing(named, code) : reasonOf(code);
  return new StartFault(1, [`${setting}: ${path} cannot be used: ${why} (${code})`, remedy], { cause });
}

function missing({ path, makesFolders = false }: NamedPath, code: string): readonly [why: string, remedy: string] {
  const link = danglingLink(path);
  if (link !== null) {
    const what = link === path ? 'it is' : `${link} is`;
    return [`${what} a link that leads nowhere`, 'mend the link, or name another path'];
  }
  // As in /proc.
  const takesNothing = code === 'ENOENT' && (makesFolders || existsSync(dirname(path)));
  return takesNothing ? ['nothing can be made in its folder', 'name another path'] : reasonOf(code);
}

/** The path, or what it leads through, where that is such a link; else null. */
function danglingLink(path: string): string | null {
  const above = dirname(path);
  try {
    return lstatSync(path).isSymbolicLink() && !existsSync(path) ? path : null;
  } catch {
    return above === path ? null : danglingLink(above);
  }
}

function reasonOf(code: string): readonly [why: string, remedy: string] {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return ['no permission', `the gateway runs as ${userText()}: make the folder writable for it`];
    case 'EROFS':
      return ['the file system is read-only', 'mount it writable, or name another path'];
    case 'ENOENT':
      return ['its folder does not exist', 'make the folder, or name another path'];
    case 'ENOTDIR':
    case 'EEXIST':
      return ['a file stands where a folder must be', 'name another path, or move the file away'];
    case 'EISDIR':
      return ['it is a folder', 'name a file in it'];
    case 'ENXIO':
      return ['it is a pipe that nobody reads, or a socket', 'start what reads it first, or name a file'];
    case 'ENOSPC':
    case 'EDQUOT':
      return ['the disk is full', 'free some space'];
    default:
      return ['the system refuses it', 'see the path, its folder and their permissions'];
  }
}

/** By number: in a container it often has no name. */
function userText(): string {
  const id = process.geteuid?.();
  return id === undefined ? 'another user' : `the user with id ${id}`;
}
