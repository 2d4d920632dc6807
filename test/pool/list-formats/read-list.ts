import { type ListedExit, type ListOptions, ListReader } from '../../../src/pool/list-formats/list-reader.ts';
import type { Endpoint } from '../../../src/protocol/endpoint.ts';

/** All that a list holds. */
export interface ListContent {
  readonly endpoints: readonly { readonly endpoint: Endpoint; readonly line: number }[];
  readonly exits: readonly ListedExit[];
  readonly faults: readonly { readonly line: number; readonly message: string }[];
  readonly skipped: readonly string[];
  /** The formats between which nothing decided. */
  readonly question: readonly string[] | null;
}

/** Reads a list, whole or in parts; `answer` is what is said to a question. */
export function readList(
  text: string | readonly string[],
  { answer, ...options }: Partial<ListOptions> & { readonly answer?: string } = {},
): ListContent {
  const exits: ListedExit[] = [];
  const lines: number[] = [];
  const faults: { line: number; message: string }[] = [];
  const skipped: string[] = [];
  const reader = new ListReader(
    { scheme: 'http', ...options },
    {
      exit: (exit, line) => {
        exits.push(exit);
        lines.push(line);
      },
      fault: (line, message) => faults.push({ line, message }),
      skipped: (_, kind) => skipped.push(kind),
    },
  );
  for (const part of typeof text === 'string' ? [text] : text) reader.push(part);
  reader.settle();
  const question = reader.question?.map(({ name }) => name) ?? null;
  const chosen = reader.question?.find(({ name }) => name === answer);
  if (chosen !== undefined) reader.answer(chosen);
  reader.end();
  const endpoints = exits.map(({ endpoint }, index) => ({ endpoint, line: lines[index] ?? 0 }));
  return { endpoints, exits, faults, skipped, question };
}
