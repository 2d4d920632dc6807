import { createReadStream } from 'node:fs';
import { CommandError } from '../admin/command-error.ts';
import { unclear } from '../pool/list-formats/line-entries.ts';
import { type ListOptions, ListReader, type ListSink } from '../pool/list-formats/list-reader.ts';
import { systemCode } from '../system-code.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** Where a list comes from. `name` is what its faults are told of. */
export interface ListInput {
  readonly name: string;
  readonly chunks: () => AsyncIterable<string> | Iterable<string>;
}

/** A file, or standard input for `-`. */
export function fileInput(path: string): ListInput {
  const name = path === '-' ? 'standard input' : path;
  const open = () =>
    path === '-'
      ? process.stdin.setEncoding('utf8')
      : createReadStream(path, { encoding: 'utf8', highWaterMark: 262_144 });
  return { name, chunks: open };
}

/** Entries as they were given to a command. */
export function givenInput(entries: readonly string[]): ListInput {
  return { name: 'command line', chunks: () => [entries.join('\n')] };
}

/** All of a short input. Throws CommandError where it can't be had. */
export async function readText(input: ListInput): Promise<string> {
  let text = '';
  try {
    for await (const chunk of input.chunks()) text += chunk;
  } catch (cause) {
    throw unreadable(input, cause);
  }
  return text;
}

export interface ReadingOptions extends ListOptions {
  /** Who is asked where a list could be in either of two formats; null where nobody can be. */
  readonly terminal: Terminal | null;
}

/** Reads a list. Throws CommandError where it can't be had, or who is asked doesn't say what it is. */
export async function readInput(
  input: ListInput,
  { terminal, ...options }: ReadingOptions,
  sink: ListSink,
): Promise<void> {
  const reader = new ListReader(options, sink);
  try {
    for await (const chunk of input.chunks()) {
      reader.push(chunk);
      await answer(reader, terminal);
    }
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw unreadable(input, cause);
  }
  reader.settle();
  await answer(reader, terminal);
  reader.end();
}

async function answer(reader: ListReader, terminal: Terminal | null): Promise<void> {
  const { question } = reader;
  if (question === null || terminal === null) return;
  terminal.say([
    'Entries of the list fit several formats alike:',
    ...question.map(({ shape }, index) => `  ${index + 1}  ${printable(shape)}`),
  ]);
  const form = question[Number(await terminal.ask(`Which is it? [1-${question.length}] `)) - 1];
  if (form !== undefined) reader.answer(form);
  else
    throw new CommandError({
      code: 'unconfirmed',
      message: unclear(question),
      remedy: 'answer by a number, or give --format',
    });
}

function unreadable({ name }: ListInput, cause: unknown): CommandError {
  const code = systemCode(cause);
  return new CommandError({
    code: code === 'ENOENT' ? 'not_found' : 'bad_argument',
    message: `${name} cannot be read (${code})`,
    remedy: 'see its path and permissions',
  });
}
