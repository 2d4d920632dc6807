import { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the data folder (0700) where there is none, and checks that this process can write in it. Throws the system's error. */
export function ensureFolder(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(folder));
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
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
