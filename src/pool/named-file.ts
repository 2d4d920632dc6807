import { X509Certificate } from 'node:crypto';
import { isAbsolute, join } from 'node:path';

/** Where files that a pool names are looked for, in order, and how they are read. */
export interface Nearby {
  readonly folders: readonly string[];
  /** The text of a file; throws the system's error. */
  readonly readText: (path: string) => string;
}

/** A file's text, or why there is none. `path` is where it was found. */
export type NamedFile =
  | { readonly ok: true; readonly path: string; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Reads the file that `path` names: the first that exists, where the path is relative. */
export function readNear(path: string, { folders, readText }: Nearby): NamedFile {
  const places = isAbsolute(path) ? [path] : folders.map((folder) => join(folder, path));
  let code = 'ENOENT';
  for (const place of places) {
    try {
      return { ok: true, path: place, text: readText(place) };
    } catch (cause) {
      code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
      if (code !== 'ENOENT') break;
    }
  }
  return { ok: false, message: `${path} cannot be read (${code})` };
}

/** Reads a certificate in PEM. */
export function readCertificate(path: string, nearby: Nearby): NamedFile {
  const file = readNear(path, nearby);
  if (!file.ok) return file;
  try {
    new X509Certificate(file.text);
    return file;
  } catch {
    return { ok: false, message: `${path} holds no certificate in PEM` };
  }
}
