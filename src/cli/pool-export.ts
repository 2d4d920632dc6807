import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { badArgument, CommandError } from '../admin/command-error.ts';
import type { Exit } from '../pool/exit.ts';
import type { ListedExit } from '../pool/list-formats/list-reader.ts';
import { ListWriter } from '../pool/list-formats/list-writer.ts';
import { countOf } from '../protocol/count-text.ts';
import { type ListFormat, listFormats } from '../protocol/list-format.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { DraftFile, unwritable } from './draft-file.ts';
import { exitCodes } from './exit-code.ts';
import { formatOf } from './pool-import.ts';
import { printable } from './printable.ts';
import { ConfigFaultsError } from './settings-check.ts';
import { writeOut } from './standard-output.ts';
import type { Workplace } from './workplace.ts';

type Written = Exclude<ListFormat, 'auto'>;

const formats = listFormats.filter((format): format is Written => format !== 'auto');

/** So many exits that can't be written are shown. */
const SHOWN = 10;

/** The command that writes a pool's exits as a list. */
export const exportCommands: readonly CommandSpec[] = [
  {
    path: 'pool export',
    summary: 'write the exits of a pool as a list, credentials included',
    operand: 'the name of the pool',
    options: [
      { flags: '--format <format>', describe: 'how (default: pipe, which tells everything)', choices: formats },
      {
        flags: '--file <file>',
        describe: 'where to, for its owner alone; a pipe or device is written to; without it to standard output',
      },
      { flags: '--no-secrets', describe: 'leave out user names and passwords' },
    ],
    notes: ['What a format cannot tell is refused: then nothing is written, and neither is a list without exits.'],
    run: exportPool,
  },
];

/** What is to be written. */
interface Export {
  readonly format: Written;
  readonly exits: () => Iterable<Exit>;
  readonly withSecrets: boolean;
}

async function exportPool(given: Given, workplace: Workplace): Promise<Outcome> {
  const { pools, faults } = workplace.settings();
  if (faults.length > 0) throw new ConfigFaultsError(workplace.configFile, faults);
  const pool = pools.pool(given.operand);
  if (pool === undefined) throw noPool(given.operand);
  const named = formatOf(given.text('format'));
  const slots = pools.candidates({ pools: [pool.name] });
  function* exits(): Generator<Exit> {
    for (const slot of slots) {
      const exit = pools.exitAt(slot);
      if (exit !== undefined) yield exit;
    }
  }
  const wanted = {
    format: named === undefined || named === 'auto' ? 'pipe' : named,
    exits,
    withSecrets: given.flag('secrets') ?? true,
  };
  const check = checkExport(wanted);
  if (check.refused > 0) {
    const more = check.refused > SHOWN ? [`${check.refused - SHOWN} more`] : [];
    const remark = `nothing is written: ${countOf(check.refused, 'exit')} of ${pool.name} cannot be told in ${wanted.format}`;
    return {
      json: { written: false, ...check },
      lines: [...check.reasons, ...more],
      remarks: [remark],
      exitCode: exitCodes.misused,
    };
  }
  const file = given.text('file');
  const remarks = remarksOn(check, wanted.format);
  if (check.exits === 0) {
    const isDemo = workplace
      .poolFiles()
      .files.some(({ name, entries }) => name === pool.name && entries.some(({ kind }) => kind === 'demo'));
    const why = isDemo ? ': those of the demo stand in no file, and end with the gateway' : '';
    const remark = `nothing is written: pool ${pool.name} has no exits that a list can hold${why}`;
    return { json: { written: false, ...check }, remarks: [remark, ...remarks], exitCode: exitCodes.failed };
  }
  if (file === undefined) {
    await writeOutList(wanted);
    return { remarks };
  }
  const written = printable(`${countOf(check.exits, 'exit')} written to ${file}`);
  const json = { pool: pool.name, file, ...check };
  // It may be standard output (/dev/stdout), where the list alone is to stand.
  if (writeFile(file, wanted) === 'through') return { json, remarks: [written, ...remarks] };
  return { json, lines: [written], remarks };
}

interface ExportCheck {
  readonly exits: number;
  readonly refused: number;
  readonly reasons: readonly string[];
  /** Exits that no list can hold. */
  readonly left: { readonly direct: number; readonly minting: number };
  /** Exits whose place or name is not told. */
  readonly placeless: number;
  /** What a reader of the list must be told; null where it says so itself. */
  readonly scheme: string | null;
}

/** Writes everything to nowhere, because what is refused late must not leave half a list. */
function checkExport({ format, exits, withSecrets }: Export): ExportCheck {
  const writer = new ListWriter(format);
  const reasons: string[] = [];
  const left = { direct: 0, minting: 0 };
  let [refused, placeless] = [0, 0];
  for (const exit of exits()) {
    if (exit.endpoint.scheme === 'direct') left.direct += 1;
    else if (exit.mint !== null) left.minting += 1;
    else {
      const listed = listedOf(exit, withSecrets);
      const part = writer.write(listed);
      if (!part.ok) {
        refused += 1;
        if (reasons.length < SHOWN) reasons.push(`${exit.id} ${part.fault.detail}`);
      } else if (!writer.tellsPlaces && (listed.name !== null || Object.keys(listed.geo).length > 0)) placeless += 1;
    }
  }
  return { exits: writer.count, refused, reasons, left, placeless, scheme: writer.untoldScheme };
}

function* partsOf({ format, exits, withSecrets }: Export): Generator<string> {
  const writer = new ListWriter(format);
  for (const exit of exits()) {
    const part = exit.mint === null ? writer.write(listedOf(exit, withSecrets)) : null;
    if (part?.ok) yield part.value;
  }
  yield writer.end();
}

function listedOf({ endpoint, geo, name }: Exit, withSecrets: boolean): ListedExit {
  const { scheme, host, port } = endpoint;
  return { endpoint: withSecrets ? endpoint : { scheme, host, port }, geo, name };
}

async function writeOutList(wanted: Export): Promise<void> {
  let text = '';
  for (const part of partsOf(wanted)) {
    text += part;
    if (text.length < 65_536) continue;
    if (!(await writeOut(text))) return;
    text = '';
  }
  await writeOut(text);
}

/** Replaces the file at `path`, or makes it; a pipe or device that stands there is written to. Throws CommandError. */
function writeFile(path: string, wanted: Export): 'replaced' | 'through' {
  const folder = dirname(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw badArgument('--file', `there is no folder ${folder}`, 'make it first, or mend the path');
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    writeThrough(path, wanted);
    return 'through';
  }
  let draft: DraftFile | null = null;
  try {
    draft = new DraftFile(path);
    for (const part of partsOf(wanted)) draft.write(part);
    draft.commit();
  } finally {
    draft?.discard();
  }
  return 'replaced';
}

function writeThrough(path: string, wanted: Export): void {
  try {
    const file = openSync(path, 'w');
    try {
      for (const part of partsOf(wanted)) writeFileSync(file, part);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function remarksOn({ left, placeless, scheme }: ExportCheck, format: Written): string[] {
  const remarks: string[] = [];
  if (left.direct > 0) remarks.push(`left out: ${countOf(left.direct, 'direct exit')}, which no list can hold`);
  if (left.minting > 0)
    remarks.push(`left out: ${countOf(left.minting, 'template')} that mints for every session (give it slots)`);
  if (placeless > 0)
    remarks.push(
      `${format} leaves out places and names of ${countOf(placeless, 'exit')}: pipe, csv and json tell them`,
    );
  if (scheme !== null && scheme !== 'http')
    remarks.push(`${format} leaves out the protocol: read it with --scheme ${scheme}`);
  return remarks;
}

function noPool(name: string): CommandError {
  return new CommandError({
    code: 'not_found',
    message: `there is no pool "${name}"`,
    remedy: 'see "roundabout pool list"',
  });
}
