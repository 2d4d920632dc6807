import { badArgument } from '../admin/command-error.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { type Candidate, complete, type NameKind } from './complete.ts';
import { completionScripts, type Shell, shells } from './completion-scripts.ts';
import { manPage } from './man-page.ts';
import { packageVersion } from './package-facts.ts';
import { printable } from './printable.ts';
import type { Workplace } from './workplace.ts';

/** Whoever presses a key waits no longer for names, in ms. */
const PATIENCE_MS = 1_500;

/** Names offered at once. */
const MOST_NAMES = 200;

/** The whole command line, as these commands tell of it. */
export interface CommandLine {
  readonly specs: () => readonly CommandSpec[];
  readonly globals: readonly OptionSpec[];
  readonly groups: ReadonlyMap<string, string>;
}

/** The commands that tell shells and people what commands there are. */
export function shellCommands(line: CommandLine): readonly CommandSpec[] {
  return [
    {
      path: 'completion',
      summary: 'print what a shell is to read so that it completes commands, options and names',
      operand: `the shell: ${shells.join(', ')}`,
      choices: shells,
      notes: [
        'bash: source <(roundabout completion bash)',
        'fish: roundabout completion fish | source',
        'It completes the command "roundabout", not what follows npx: where there is none on the PATH, make it a function,',
        'such as roundabout() { npx roundabout "$@"; }',
      ],
      run: ({ operand }) => ({ plain: [scriptFor(operand)], lines: [scriptFor(operand)] }),
    },
    {
      path: 'man',
      summary: 'print the manual page, as man reads it: roundabout man | man -l -',
      run: () => {
        const { globals, groups } = line;
        return { lines: [manPage({ version: packageVersion(), specs: line.specs(), globals, groups }).trimEnd()] };
      },
    },
    {
      path: 'complete-words',
      hidden: true,
      summary: 'tell a shell what could stand in place of the last word',
      operands: 'the words of the command line so far, without the program',
      run: (given, workplace) => completeWords(line, given, workplace),
    },
  ];
}

function scriptFor(shell: string): string {
  const found = shells.find((one): one is Shell => one === shell);
  if (found !== undefined) return completionScripts[found];
  throw badArgument('completion', `"${shell}" is no shell that is known`, `choose of ${shells.join(', ')}`);
}

async function completeWords({ specs, globals }: CommandLine, given: Given, workplace: Workplace): Promise<Outcome> {
  const words = given.operands.length === 0 ? [''] : given.operands;
  const { candidates, names, files } = complete(words, { specs: specs(), globals });
  const after = (option: string) => words.slice(0, -1)[words.indexOf(option) + 1];
  const place = {
    config: words.includes('--config') ? after('--config') : undefined,
    data: words.includes('--data') ? after('--data') : undefined,
  };
  const prefix = words.at(-1) ?? '';
  const named = names === null ? [] : await namesOf(names, { prefix, workplace: workplace.elsewhere(place) });
  const lines = [...candidates, ...named].map(({ word, describe }) => `${printable(word)}\t${printable(describe)}`);
  return { lines: files ? [...lines, ':files'] : lines };
}

/** Of a running gateway that answers at once; else none. Never rejects. */
async function namesOf(
  kind: NameKind,
  { prefix, workplace }: { readonly prefix: string; readonly workplace: Workplace },
): Promise<Candidate[]> {
  const found = await workplace.runLive('names', { kind, prefix, limit: MOST_NAMES }, PATIENCE_MS).catch(() => null);
  return (found ?? []).map((word) => ({ word, describe: '' }));
}
