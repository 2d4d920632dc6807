import type { CommandSpec, OptionSpec } from './command-spec.ts';

/** A word that could stand next, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly describe: string;
}

/** What only a running gateway knows. */
export type NameKind = 'pools' | 'clients' | 'exits' | 'sessions';

/** What could stand next: words, names of a kind, or a file's name. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly names: NameKind | null;
  readonly files: boolean;
}

const nothing: Completion = { candidates: [], names: null, files: false };
const files: Completion = { ...nothing, files: true };

/** By the group of a command, what its operands name. */
const operandKinds: ReadonlyMap<string, NameKind> = new Map([
  ['client', 'clients'],
  ['pool', 'pools'],
  ['exit', 'exits'],
  ['session', 'sessions'],
  ['quota', 'clients'],
]);

/** By option, what its value names. */
const valueKinds: ReadonlyMap<string, NameKind> = new Map([
  ['--pool', 'pools'],
  ['--client', 'clients'],
  ['--exit', 'exits'],
  ['--session', 'sessions'],
]);

/** What could stand in place of the last of `words`, which come after the program's name; the last one may be empty, or the beginning of
 *  what is meant. Options may stand anywhere, as the command line takes them. */
export function complete(
  words: readonly string[],
  { specs, globals }: { readonly specs: readonly CommandSpec[]; readonly globals: readonly OptionSpec[] },
): Completion {
  const current = words.at(-1) ?? '';
  const { plain, pending } = readWords(words.slice(0, -1), [
    ...globals,
    ...specs.flatMap(({ options }) => options ?? []),
  ]);
  const spec = specOf(plain, specs);
  const options = [...(spec?.options ?? []), ...globals];
  if (pending !== null) return optionValue(pending, options);
  if (current.startsWith('-'))
    return withPrefix(
      current,
      options.map(({ flags, describe }) => ({ word: nameOf(flags), describe })),
    );
  if (spec === undefined) return withPrefix(current, nextWords(plain, specs));
  return operandOf(spec, plain.length - spec.path.split(' ').length);
}

/** The words that are no options and no values of options; and the option whose value comes next. */
function readWords(
  words: readonly string[],
  options: readonly OptionSpec[],
): { plain: string[]; pending: string | null } {
  const valued = new Set(options.filter(({ flags }) => flags.includes('<')).map(({ flags }) => nameOf(flags)));
  const plain: string[] = [];
  let pending: string | null = null;
  for (const word of words) {
    if (pending !== null) pending = null;
    else if (word.startsWith('-')) pending = valued.has(word) ? word : null;
    else plain.push(word);
  }
  return { plain, pending };
}

function specOf([first = '', second = '']: readonly string[], specs: readonly CommandSpec[]): CommandSpec | undefined {
  return specs.find(({ path }) => path === `${first} ${second}`) ?? specs.find(({ path }) => path === first);
}

/** Groups and commands that stand alone; within a group its commands. */
function nextWords(plain: readonly string[], specs: readonly CommandSpec[]): Candidate[] {
  const [group] = plain;
  if (plain.length > 1) return [];
  const within = specs.filter(({ path, hidden }) => !hidden && (group === undefined || path.startsWith(`${group} `)));
  const words = new Map<string, string>();
  for (const { path, summary } of within) {
    const [first = '', second] = path.split(' ');
    const word = group === undefined ? first : (second ?? '');
    words.set(word, group === undefined && second !== undefined ? '' : summary);
  }
  return [...words].map(([word, describe]) => ({ word, describe }));
}

function optionValue(option: string, options: readonly OptionSpec[]): Completion {
  const spec = options.find(({ flags }) => nameOf(flags) === option);
  const names = valueKinds.get(option);
  if (spec?.choices !== undefined)
    return { ...nothing, candidates: spec.choices.map((word) => ({ word, describe: '' })) };
  if (names !== undefined) return { ...nothing, names };
  return /<(?:file|folder|path)>/.test(spec?.flags ?? '') ? files : nothing;
}

function operandOf({ path, operand, operands, further, choices }: CommandSpec, given: number): Completion {
  if (choices !== undefined) return { ...nothing, candidates: choices.map((word) => ({ word, describe: '' })) };
  const isOwn = operands !== undefined || (operand !== undefined && given === 0);
  if (isOwn) return { ...nothing, names: operandKinds.get(path.split(' ')[0] ?? '') ?? null };
  return further?.[0].includes('file') === true ? files : nothing;
}

/** `--pool` of `--pool <name>`. */
export function nameOf(flags: string): string {
  return flags.split(' ')[0] ?? flags;
}

function withPrefix(current: string, all: readonly Candidate[]): Completion {
  return { ...nothing, candidates: all.filter(({ word }) => word.startsWith(current)) };
}
