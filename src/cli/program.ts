import { styleText } from 'node:util';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { allCommands, globalOptions, groups } from './all-commands.ts';
import { type CommandSpec, Given, type OptionSpec, type Outcome } from './command-spec.ts';
import { exitCodes, exitCodeTexts } from './exit-code.ts';
import { type Failure, failureOf, usageFailure } from './failure.ts';
import { packageVersion } from './package-facts.ts';
import { printable, printableJson } from './printable.ts';
import { writeOut } from './standard-output.ts';
import { page, type Screen } from './table.ts';
import { Workplace } from './workplace.ts';

/** Runs the command line with these arguments (without node and script) and resolves with the exit code. Never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  // Whoever writes is told by itself; who is not there any more must not end the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const asJson = args.includes('--json');
  let exitCode: number = exitCodes.ok;
  const program = createProgram(asJson, async (spec, { given, workplace }) => {
    const outcome = await spec.run(given, workplace);
    exitCode = outcome.exitCode ?? exitCodes.ok;
    const { remark } = workplace;
    await print(
      { ...outcome, remarks: [...(outcome.remarks ?? []), ...(remark === null ? [] : [printable(remark)])] },
      asJson,
    );
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return exitCodes.ok;
    const isHelp = cause instanceof CommanderError && cause.code === 'commander.help';
    // Help was printed where a command was missing.
    if (isHelp && !asJson) return exitCodes.misused;
    const usage = { command: commandIn(args), exitCode: exitCodes.misused };
    const failure =
      cause instanceof CommanderError
        ? usageFailure(isHelp ? 'a command is missing' : messageOf(cause), usage)
        : failureOf(cause);
    printFailure(failure, asJson);
    return failure.exitCode;
  }
}

type Runner = (spec: CommandSpec, what: { given: Given; workplace: Workplace }) => Promise<void>;

const messageOf = ({ message }: CommanderError): string => message.replace(/^error: /, '').replaceAll('\n', ' ');

function createProgram(asJson: boolean, runner: Runner): Command {
  const program = new Command('roundabout')
    .description('Roundabout, the egress gateway for crawlers')
    .version(packageVersion())
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {}, ...(asJson && { writeErr: () => {} }) })
    .exitOverride()
    .addHelpText(
      'after',
      ['', 'Exit codes:', ...exitCodeTexts.map(([code, meaning]) => `  ${String(code).padEnd(3)}  ${meaning}`)].join(
        '\n',
      ),
    );
  for (const option of globalOptions) program.addOption(optionOf(option));
  for (const spec of allCommands) addCommand(program, spec, runner);
  return program;
}

function addCommand(program: Command, spec: CommandSpec, runner: Runner): void {
  const [first = '', second] = spec.path.split(' ');
  const command = (second === undefined ? program : groupOf(program, first)).command(second ?? first, {
    isDefault: spec.isDefault ?? false,
    hidden: spec.hidden ?? false,
  });
  command.description(spec.summary);
  if (spec.operands !== undefined) command.argument(spec.needsOperands ? '<names...>' : '[names...]', spec.operands);
  if (spec.operand !== undefined) command.argument('<name>', spec.operand);
  if (spec.further !== undefined) command.argument(...spec.further);
  for (const option of spec.options ?? []) command.addOption(optionOf(option));
  if (spec.notes !== undefined) command.addHelpText('after', `\n${spec.notes.join('\n')}`);
  command.action(async () => {
    const { config, data, json } = program.opts<{ config?: string; data?: string; json?: true }>();
    const workplace = new Workplace({
      config,
      data,
      env: process.env,
      now: Date.now,
      screen: screenOf(process.stdout),
      mayAsk: !json,
      warn: (line) => process.stderr.write(`roundabout: ${printable(line)}\n`),
    });
    try {
      await runner(spec, { given: new Given(command.args, command.opts()), workplace });
    } finally {
      await workplace.close();
    }
  });
}

/** Node's styles heed NO_COLOR, and whether the stream is a terminal. */
function screenOf(stream: NodeJS.WriteStream): Screen {
  return {
    width: stream.isTTY ? stream.columns : page.width,
    emphasise: (text) => styleText('bold', text, { stream }),
  };
}

/** The command that was asked for, or its group, as far as it is one; empty for none. */
function commandIn(args: readonly string[]): string {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const paths = allCommands.map(({ path }) => path);
  const whole = paths.find(
    (path) => words.join(' ').includes(path) && path.split(' ').every((word) => words.includes(word)),
  );
  return whole ?? words.find((word) => groups.has(word)) ?? '';
}

function groupOf(program: Command, name: string): Command {
  const found = program.commands.find((command) => command.name() === name);
  return found ?? program.command(name).description(groups.get(name) ?? '');
}

function optionOf({ flags, describe, many, choices }: OptionSpec): Option {
  const option = new Option(flags, describe);
  if (choices !== undefined) option.choices(choices);
  if (/<(?:file|folder)>/.test(flags)) option.argParser(placeOf);
  if (!many) return option;
  const check = option.parseArg;
  return option.argParser((value: string, former: string[] | undefined) => {
    check?.(value, undefined);
    return [...(former ?? []), value];
  });
}

/** What a variable of a shell leaves behind that isn't set would be this folder. */
function placeOf(path: string): string {
  if (path !== '') return path;
  throw new InvalidArgumentError('It is empty.');
}

async function print({ json, items, plain, lines = [], remarks = [] }: Outcome, asJson: boolean): Promise<void> {
  const shown = asJson ? (json === undefined ? [] : [printableJson(json)]) : (plain ?? lines);
  try {
    if (asJson && items !== undefined) await printItems(items);
    if (shown.length > 0) await writeOut(`${shown.join('\n')}\n`);
  } finally {
    if (remarks.length > 0) process.stderr.write(`${remarks.join('\n')}\n`);
  }
}

/** One array on one line. Where something fails on the way it has no end, and is no JSON: nobody takes it for all. */
async function printItems(items: AsyncIterable<readonly unknown[]>): Promise<void> {
  let before = '[';
  for await (const some of items) {
    if (some.length === 0) continue;
    if (!(await writeOut(`${before}${printableJson(some).slice(1, -1)}`))) return;
    before = ',';
  }
  await writeOut(before === '[' ? '[]\n' : ']\n');
}

function printFailure({ lines, error }: Failure, asJson: boolean): void {
  process.stderr.write(`${asJson ? printableJson({ error }) : lines.join('\n')}\n`);
}
