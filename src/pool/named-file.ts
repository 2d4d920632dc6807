import { X509Certificate } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { systemCode } from '../system-code.ts';

/** Where files that a pool names are looked for, in order, and how they are read. */
export interface Nearby<Content> {
  readonly folders: readonly string[];
  /** What is in a file; throws the system's error. */
  readonly read: (path: string) => Content;
}

/** What is in a file, or why it can't be had. `path` is where it was found. */
export type NamedFile<Content> =
  | { readonly ok: true; readonly path: string; readonly content: Content }
  | { readonly ok: false; readonly message: string };

/** Reads the file that `path` names: the first that exists, where the path is relative. */
export function readNear<Content>(path: string, { folders, read }: Nearby<Content>): NamedFile<Content> {
  const places = isAbsolute(path) ? [path] : folders.map((folder) => join(folder, path));
  let failure: unknown;
  for (const place of places) {
    try {
      return { ok: true, path: place, content: read(place) };
    } catch (cause) {
      failure = cause;
      if (systemCode(cause) !== 'ENOENT') break;
    }
  }
  return { ok: false, message: unreadable(path, failure) };
}

/** Why a file that a pool names as `path` can't be had. */
export function unreadable(path: string, cause: unknown): string {
  return `${path} cannot be read (${systemCode(cause)})`;
}

/** Reads a certificate in PEM. */
export function readCertificate(path: string, nearby: Nearby<string>): NamedFile<string> {
  const file = readNear(path, nearby);
  if (!file.ok) return file;
  try {
    new X509Certificate(file.content);
    return file;
  } catch {
    return { ok: false, message: `${path} holds no certificate in PEM` };
  }
}
