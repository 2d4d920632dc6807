import { Buffer } from 'node:buffer';

/** A text of latin-1 that stands by itself: what is cut out of a longer one keeps all of that alive. */
export function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
