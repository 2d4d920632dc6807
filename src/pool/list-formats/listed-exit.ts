import type { Endpoint } from '../../protocol/endpoint.ts';
import type { Geo } from '../../protocol/places.ts';

/** An exit as a list tells it. */
export interface ListedExit {
  readonly endpoint: Endpoint;
  /** Where it stands, as far as the list says. */
  readonly geo: Geo;
  readonly name: string | null;
}

/** Takes what a list holds, in its order. Lines are counted from 1. */
export interface ListSink {
  exit(exit: ListedExit, line: number): void;
  /** Something that is no exit. `message` shows nothing of it. */
  fault(line: number, message: string): void;
  /** An exit of a kind that can't be dialled (`vmess`, `direct`). */
  skipped?(line: number, kind: string): void;
}

/** What came of reading one entry. `nothing` is furniture of a format, such as a heading. */
export type EntryReading =
  | { readonly kind: 'exit'; readonly exit: ListedExit }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'skipped'; readonly what: string }
  | { readonly kind: 'nothing' };

/** The one value where nothing is said. */
export const nowhere: Geo = Object.freeze({});

/** An exit of which a list tells no more than the endpoint. */
export const placeless = (endpoint: Endpoint): EntryReading => ({
  kind: 'exit',
  exit: { endpoint, geo: nowhere, name: null },
});

export const faulty = (message: string): EntryReading => ({ kind: 'fault', message });
export const skipped = (what: string): EntryReading => ({ kind: 'skipped', what });
export const nothing: EntryReading = Object.freeze({ kind: 'nothing' });

/** Hands a reading to whom it concerns. */
export function tell(sink: ListSink, reading: EntryReading, line: number): void {
  if (reading.kind === 'exit') sink.exit(reading.exit, line);
  else if (reading.kind === 'fault') sink.fault(line, reading.message);
  else if (reading.kind === 'skipped') sink.skipped?.(line, reading.what);
}
