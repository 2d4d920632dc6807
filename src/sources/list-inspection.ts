import { EndpointSet } from '../pool/endpoint-set.ts';
import { ListReader } from '../pool/list-formats/list-reader.ts';
import type { FetchedEntry } from '../pool/placed-source.ts';
import type { Steps } from '../pool/steps.ts';
import { textChunks } from './text-chunks.ts';

/** What a list is worth. */
export interface ListInspection {
  /** Each counts once, however often it is named: an API that answers one page for all of them must not seem to be whole. */
  readonly exits: number;
  /** Entries that are no exit. */
  readonly faults: number;
  /** `line N: message` of the first of them; shows nothing of the list. */
  readonly first: string | null;
}

/** Reads the list in `path`, which is written as the entry says. Throws the system's error. */
export function* inspectList(path: string, { format, scheme }: FetchedEntry): Steps<ListInspection> {
  const exits = new EndpointSet();
  let faults = 0;
  let first: string | null = null;
  const reader = new ListReader(
    { format, scheme },
    {
      exit: ({ endpoint }) => {
        exits.intern(endpoint);
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
  return { exits: exits.size, faults, first };
}
