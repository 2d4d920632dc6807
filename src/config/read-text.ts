import { readFileSync } from 'node:fs';
import { systemCode } from '../system-code.ts';
import type { Reading } from './fault.ts';

/** The text of a file; throws the system's error. */
export function readUtf8(path: string): string {
  return readFileSync(path, 'utf8');
}

/** What `read` gives, or why it cannot be had. */
export function tryRead<Value>(path: string, read: (path: string) => Value): Reading<Value> {
  try {
    return { ok: true, value: read(path) };
  } catch (cause) {
    return { ok: false, message: `cannot be read (${systemCode(cause)})` };
  }
}
