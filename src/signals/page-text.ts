import { Buffer } from 'node:buffer';
import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

/** Octets of decoded content that rules look at. */
export const PREFIX_BYTES = 64 * 1024;

/** Codings one upon the other; nobody sends so many in good faith. */
const MOST_CODINGS = 3;

/** Octets out for each octet in, beyond which content is taken for a bomb: deflate's greatest is 1,032. */
const GREATEST_RATIO = 100;

/** Decodings at once; whatever comes on top stays unread, so that a flood of pages costs no more than this. */
const MOST_AT_ONCE = 16;

/** Decodes pages for rules, a bounded number at a time. */
export class PageReader {
  #running = 0;

  /** As decodeContent; null also where too many are being decoded already. */
  async read(octets: Buffer, codings: readonly string[]): Promise<Buffer | null> {
    if (this.#running >= MOST_AT_ONCE) return null;
    this.#running++;
    try {
      return await decodeContent(octets, codings);
    } finally {
      this.#running--;
    }
  }
}

/** The content codings of a response, in the order of application, lower-case (RFC 9110 §8.4); null where there are more than
 *  anybody needs or one that isn't known here. */
export function readableCodings(tokens: readonly string[]): readonly string[] | null {
  const codings = tokens.filter((coding) => coding !== 'identity').map((coding) => coding.replace(/^x-/, ''));
  const known = codings.every((coding) => ['gzip', 'deflate', 'br'].includes(coding));
  return known && codings.length <= MOST_CODINGS ? codings : null;
}

/** The first octets of what `octets`, the beginning of coded content, decode to: at most 64 KiB, the end may be missing. Null where
 *  it isn't what its codings say, or grows by more than a hundred times. Never rejects; runs on the runtime's threads. */
export async function decodeContent(octets: Buffer, codings: readonly string[]): Promise<Buffer | null> {
  let content: Buffer | null = octets;
  // RFC 9110 §8.4: listed in the order in which they were applied.
  for (const coding of [...codings].reverse()) {
    if (content !== null) content = await decodeOne(content, coding);
  }
  return content;
}

/** Decodes one coding, stopping as soon as there is enough. */
function decodeOne(octets: Buffer, coding: string): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const limit = octets.length * GREATEST_RATIO;
    const chunks: Buffer[] = [];
    let size = 0;
    const decoder = decoderFor(coding, octets);
    const finish = (content: Buffer | null): void => {
      resolve(content);
      decoder.destroy();
    };
    decoder.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) finish(null);
      else if (size >= PREFIX_BYTES) finish(Buffer.concat(chunks).subarray(0, PREFIX_BYTES));
    });
    decoder.once('end', () => finish(Buffer.concat(chunks)));
    // What had come whole until then is there all the same.
    decoder.on('error', () => finish(size > 0 ? Buffer.concat(chunks) : null));
    decoder.end(octets);
  });
}

function decoderFor(coding: string, octets: Buffer): Transform {
  const { Z_SYNC_FLUSH: finishFlush, BROTLI_OPERATION_FLUSH } = constants;
  const chunkSize = 16 * 1024;
  if (coding === 'br') return createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH, chunkSize });
  if (coding === 'gzip') return createGunzip({ finishFlush, chunkSize });
  return isZlib(octets) ? createInflate({ finishFlush, chunkSize }) : createInflateRaw({ finishFlush, chunkSize });
}

/** Whether "deflate" is what RFC 9110 §8.4.1.2 says, the zlib format (RFC 1950 §2.2), and not bare deflate as some send it. */
function isZlib(octets: Buffer): boolean {
  const [first = 0, second = 0] = octets;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
