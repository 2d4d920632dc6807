import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { exitCodeTexts } from './exit-code.ts';

export interface ManPageFacts {
  readonly version: string;
  readonly specs: readonly CommandSpec[];
  readonly globals: readonly OptionSpec[];
  /** What each group of commands is about. */
  readonly groups: ReadonlyMap<string, string>;
}

/** The manual page of the command line, in the macros of man(7). */
export function manPage({ version, specs, globals, groups }: ManPageFacts): string {
  const shown = specs.filter(({ hidden }) => !hidden);
  const alone = shown.filter(({ path }) => !path.includes(' '));
  return [
    `.TH ROUNDABOUT 1 "" "roundabout ${roff(version)}" "Roundabout"`,
    '.SH NAME',
    'roundabout \\- the egress gateway for crawlers',
    '.SH SYNOPSIS',
    '.B roundabout',
    '[\\fIoptions\\fR] \\fIcommand\\fR [\\fIoperands\\fR]',
    '.SH DESCRIPTION',
    text(
      'Starts the gateway, and works on one that runs, over the control socket in its data folder; or on its files where none runs.',
    ),
    '.SH OPTIONS',
    text('Understood before and after any command.'),
    ...globals.flatMap(optionLines),
    '.SH COMMANDS',
    ...alone.flatMap(commandLines),
    ...[...groups].flatMap(([group, about]) => {
      const within = shown.filter(({ path }) => path.startsWith(`${group} `));
      return within.length === 0 ? [] : [`.SS ${roff(`${group}: ${about}`)}`, ...within.flatMap(commandLines)];
    }),
    '.SH EXIT STATUS',
    ...exitCodeTexts.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, text(meaning)]),
    '.SH ENVIRONMENT',
    '.TP',
    '.B NO_COLOR',
    text('Set to anything, nothing is emphasised.'),
    '.SH FILES',
    '.TP',
    '.I config/roundabout.yaml',
    text('The configuration, unless --config names another.'),
    '.TP',
    '.I pools/*.yaml',
    text('The pools, one a file.'),
    '',
  ].join('\n');
}

function commandLines(spec: CommandSpec): string[] {
  return [
    '.TP',
    `.B roundabout ${roff(spec.path)}${operandsOf(spec)}`,
    text(`${spec.summary}.`),
    ...[spec.operand ?? spec.operands, spec.further?.[1]].flatMap((meaning) =>
      meaning === undefined ? [] : ['.br', text(`Operand: ${meaning}.`)],
    ),
    ...(spec.notes ?? []).flatMap((note) => ['.br', text(note)]),
    ...(spec.options === undefined ? [] : ['.RS', ...spec.options.flatMap(optionLines), '.RE']),
  ];
}

function operandsOf({ operand, operands, needsOperands, further }: CommandSpec): string {
  const own =
    operand !== undefined
      ? ' \\fIname\\fR'
      : operands === undefined
        ? ''
        : needsOperands
          ? ' \\fIname\\fR ...'
          : ' [\\fIname\\fR ...]';
  return further === undefined ? own : `${own} \\fI${roff(further[0].replace(/[<>]/g, ''))}\\fR`;
}

function optionLines({ flags, describe, choices }: OptionSpec): string[] {
  const values = choices === undefined ? '' : `: ${choices.join(', ')}`;
  return ['.TP', `.B ${roff(flags)}`, text(describe + values)];
}

/** A line of text: no character of it commands the formatter. */
function text(line: string): string {
  const escaped = roff(line);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** In ASCII: groff takes what else it is given for latin-1, unless it is told. */
function roff(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('\n', ' ').replaceAll('"', '\\(dq');
  return escaped.replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0)?.toString(16).toUpperCase() ?? '';
    return `\\[u${code.padStart(4, '0')}]`;
  });
}
