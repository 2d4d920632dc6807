import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** So much of a file is held at once. */
const CHUNK_BYTES = 64 * 1024;

/** The text of a regular file (UTF-8), part after part. Opens it at once, and waits for nobody, as a pipe would have it; throws the
 *  system's error, then or while it is read. */
export function textChunks(path: string): Iterable<string> {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(file).isFile()) return chunksOf(file);
  closeSync(file);
  throw Object.assign(new Error('this is no regular file'), { code: 'no regular file' });
}

function* chunksOf(file: number): Generator<string> {
  const octets = Buffer.allocUnsafe(CHUNK_BYTES);
  const decoder = new StringDecoder('utf8');
  try {
    for (let length = -1; length !== 0; ) {
      length = readSync(file, octets);
      yield decoder.write(octets.subarray(0, length));
    }
    yield decoder.end();
  } finally {
    closeSync(file);
  }
}
