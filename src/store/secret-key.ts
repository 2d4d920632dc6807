import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFolder, syncFolder } from './folder.ts';
import { asStoreError, StoreError } from './store-error.ts';

const keyOctets = 32;

/** The key that secrets are hashed under: the 32 octets of `secret.key` in the data folder, made at first use (0600). It appears
 *  whole or not at all, also where two processes make it at once. Throws StoreError: bad_key, or what the disk says. */
export function loadSecretKey(folder: string): Buffer {
  const path = join(folder, 'secret.key');
  try {
    ensureFolder(folder);
    if (!existsSync(path)) createKey(folder, path);
    const key = readFileSync(path);
    if (key.length === keyOctets) return key;
  } catch (cause) {
    throw asStoreError(cause);
  }
  throw new StoreError('bad_key', {
    detail: `secret.key does not have ${keyOctets} octets`,
    remedy: 'put its backup in its place; without it every secret must be made anew',
  });
}

/** The keyed hash of a secret (HMAC-SHA-256), as it is stored in hex. Secrets that we issue have 154 bits, so a slow hash would
 *  add nothing but a way to keep us busy. */
export function hashSecret(key: Buffer, secret: string): Buffer {
  return createHmac('sha256', key).update(secret).digest();
}

/** A link to a finished file is made in one step, and not over a file that exists. */
function createKey(folder: string, path: string): void {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, randomBytes(keyOctets));
    fsyncSync(descriptor);
    linkUnlessExists(draft, path);
  } finally {
    closeSync(descriptor);
    unlinkSync(draft);
  }
  syncFolder(folder);
}

function linkUnlessExists(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (cause) {
    if (!existsSync(path)) throw cause;
  }
}
