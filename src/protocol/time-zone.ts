import type { Reading } from './units.ts';

/** Reads the name of a time zone (IANA), such as UTC or Europe/Berlin, in the spelling of this runtime. */
export function readZone(text: string): Reading<string> {
  try {
    return { ok: true, value: new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone };
  } catch {
    return { ok: false, message: 'expected a time zone such as UTC or Europe/Berlin' };
  }
}
