import { createHmac } from 'node:crypto';
import type { CellKey } from '../memory/keyed-cells.ts';

/** Where `text` stands in tables that all threads share: by a hash under a random `key`, so that nobody can choose whom to meet. */
export function cellKeyOf(key: Uint8Array, text: string): CellKey {
  const hash = createHmac('sha256', key).update(text).digest();
  return { place: hash.readUInt32LE(0), print: hash.readUInt32LE(4) };
}
