import { ListReader } from '../pool/list-formats/list-reader.ts';
import type { FetchedEntry } from '../pool/placed-source.ts';
import type { Steps } from '../pool/steps.ts';
import { textChunks } from './text-chunks.ts';

/** What a list is worth. */
export interface ListInspection {
  readonly exits: number;
  /** Entries that are no exit. */
  readonly faults: number;
  /** `line N: message` of the first of them; shows nothing of the list. */
  readonly first: string | null;
}

/** Reads the list in `path`, which is written as the entry says. Throws the system's error. */
export function* inspectList(path: string, { format, scheme }: FetchedEntry): Steps<ListInspection> {
  let exits = 0;
  let faults = 0;
  let first: string | null = null;
  const reader = new ListReader(
    { format, scheme },
    {
      exit: () => {
        exits += 1;
      },
      fault: (line, message) => {
        faults += 1;
        first ??= `line ${line}: ${message}`;
      },
    },
  );
  for (const chunk of textChunks(path)) {
    reader.push(chunk);
    yield;
  }
  reader.end();
  return { exits, faults, first };
}
