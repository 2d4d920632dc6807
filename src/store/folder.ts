import { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../system-code.ts';

/** Makes the data folder (0700) where there is none, and checks that this process can write in it. Throws the system's error. */
export function ensureFolder(folder: string): void {
  if (makeFolder(folder, 0o700)) syncFolder(dirname(folder));
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** Makes a folder and those above it; false where it stands already. Node's own way tries for ever where there is a folder in which
 *  none can be made, such as /proc. Throws the system's error. */
export function makeFolder(folder: string, mode = 0o777): boolean {
  const above = dirname(folder);
  try {
    return makeOne(folder, mode);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || above === folder) throw cause;
    makeFolder(above, mode);
  }
  return makeOne(folder, mode);
}

/** False where it stands, perhaps because somebody else has just made it. */
function makeOne(folder: string, mode: number): boolean {
  try {
    mkdirSync(folder, { mode });
    return true;
  } catch (cause) {
    // Some file systems tell first that they are read-only.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return false;
    throw cause;
  }
}

/** Makes an empty file that only its owner may read, unless it exists. Throws the system's error. */
export function ensureFile(path: string): void {
  closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600));
  syncFolder(dirname(path));
}

/** Makes new names in a folder survive a power cut. Throws the system's error. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
