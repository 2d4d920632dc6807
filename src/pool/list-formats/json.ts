import { type ExitRecord, exitOfRecord } from './exit-record.ts';
import { type Role, roleOf } from './field-names.ts';
import { JsonElements } from './json-elements.ts';
import type { LineEntries } from './line-entries.ts';
import type { ReadingContext } from './line-form.ts';
import { type EntryReading, faulty, type ListSink, tell } from './listed-exit.ts';

/** Objects within an exit's, whose keys mean what they mean without it. */
const parts: ReadonlySet<string> = new Set(['auth', 'geo', 'geolocation', 'ip_data', 'location', 'proxy']);

/** Reads a list in JSON. Elements that are texts go to `entries`. */
export class JsonList {
  readonly #elements: JsonElements;

  constructor(context: ReadingContext, { sink, entries }: { readonly sink: ListSink; readonly entries: LineEntries }) {
    this.#elements = new JsonElements({
      fault: (line, message) => sink.fault(line, message),
      element: (text, line) => {
        const value = jsonValueOf(text);
        if (typeof value === 'string') entries.take(value.trim().toWellFormed(), line);
        else tell(sink, readingOf(value, context), line);
      },
    });
  }

  push(text: string): void {
    this.#elements.push(text);
  }

  end(): void {
    this.#elements.end();
  }
}

/** Undefined for what is no JSON. */
function jsonValueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readingOf(value: unknown, context: ReadingContext): EntryReading {
  if (value === undefined) return faulty('this is no valid JSON');
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return faulty('expected a text or an object');
  const record = recordOf(value);
  return record === null
    ? faulty('the user name or the password is a number that JSON does not keep as written: put it in quotes')
    : exitOfRecord(record, context);
}

/** What an object says; null where a credential is a number that may have been written otherwise. */
export function recordOf(value: object): ExitRecord | null {
  const record: { [R in Role]?: string } = {};
  let isExact = true;
  const add = (key: string, one: unknown): void => {
    const role = roleOf(key);
    if (role === undefined) return;
    const isCredential = role === 'username' || role === 'password';
    if (isCredential && typeof one === 'number' && !Number.isSafeInteger(one)) isExact = false;
    const text = textOf(one);
    if (text !== '') record[role] ??= isCredential ? text : text.trim();
  };
  for (const [key, one] of Object.entries(value)) {
    const isPart = typeof one === 'object' && one !== null && parts.has(key.toLowerCase());
    if (isPart) for (const [inner, innerValue] of Object.entries(one)) add(inner, innerValue);
    else add(key, one);
  }
  return isExact ? record : null;
}

/** Several texts (protocols) are one, with commas between. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string').join(',');
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value).toWellFormed()
    : '';
}
