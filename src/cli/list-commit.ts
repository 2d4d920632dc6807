import { readFileSync } from 'node:fs';
import { CommandError } from '../admin/command-error.ts';
import type { PoolReload } from '../admin/reload-command.ts';
import { newPoolText, withList } from '../config/pool-text.ts';
import { countOf } from '../protocol/count-text.ts';
import type { Outcome } from './command-spec.ts';
import { type Consent, refusalOf } from './consent.ts';
import { DraftFile, versionOf } from './draft-file.ts';
import { whenEndedBySignal } from './ended-by-signal.ts';
import { exitCodes } from './exit-code.ts';
import type { ListSummary } from './list-summary.ts';
import type { PoolHome } from './pool-home.ts';
import { printable } from './printable.ts';
import type { Workplace } from './workplace.ts';

/** A reload may wait for another one: so long at most, in ms. */
const RELOAD_DEADLINE_MS = 600_000;

/** What a change of a pool's list needs beside the change. */
export interface CommitOptions extends Consent {
  readonly home: PoolHome;
  /** Whether the sound entries of a list are taken that has others, too. */
  readonly skipFaulty: boolean;
  /** What the list was when it was read. */
  readonly version: string;
  /** Writes the list as it is to be. */
  readonly write: (draft: DraftFile) => void;
}

/** Shows what would change, asks, writes the list and, where it has to, the pool file, and tells the gateway. Throws CommandError,
 *  and the system's errors: then nothing was written. */
export async function commitChange(
  workplace: Workplace,
  summary: ListSummary,
  options: CommitOptions,
): Promise<Outcome> {
  const { home, terminal, yes, dryRun, skipFaulty } = options;
  const shown = { json: { ...summary.json(), written: false }, lines: summary.lines() };
  if (summary.faulty > 0 && !skipFaulty) {
    const remedy = 'nothing is written: mend the faulty entries, or leave them out with --skip-faulty';
    return { ...shown, remarks: [remedy], exitCode: exitCodes.misused };
  }
  if (summary.changes === 0 && home.isNamed) return { ...shown, remarks: ['there is nothing to change'] };
  const { shrinking } = summary;
  // Who is asked sees it; a yes that was said beforehand was said to another list.
  if (shrinking !== null && yes && !dryRun) {
    const remedy = `nothing is written: ${shrinking}, which is not believed without --allow-shrink`;
    return { ...shown, remarks: [remedy], exitCode: exitCodes.unconfirmed };
  }
  const refusal = await refusalOf(options, shown, { question: 'Write it?', nothing: 'nothing is written' });
  if (refusal !== null) return refusal;
  const made = writeFiles(options);
  const reload = await unlessInterrupted(made, reloadPool(workplace, home.pool));
  return {
    json: { ...shown.json, written: true, reload: reload.result },
    lines: [...(!yes && terminal !== null ? [] : shown.lines), ...made.map(printable), ...reload.lines.map(printable)],
    exitCode: reload.exitCode,
  };
}

/** The list first: a pool file that names what isn't there would be faulty. Returns what was done. */
function writeFiles({ home, version, write }: CommitOptions): string[] {
  const { pool, file, content, listName, listPath, isNamed } = home;
  const check = (): void => {
    if (versionOf(listPath) === version) return;
    throw new CommandError({
      code: 'changed',
      message: `${listPath} was changed by somebody else meanwhile: nothing is written`,
      remedy: 'try again',
    });
  };
  // Credentials are nobody's business beyond the group.
  replaceFile(listPath, { keeps: 0o770, write, check });
  const written = `written to ${listPath}`;
  if (isNamed) return [written];
  if (content === null) {
    replaceFile(file, { keeps: 0o770, write: (draft) => draft.write(newPoolText(pool, listName)) });
    return [written, `${file} is made, of tier dc: set its tier and price there`];
  }
  const text = withList(readFileSync(file, 'utf8'), listName);
  replaceFile(file, { keeps: 0o777, write: (draft) => draft.write(text) });
  return [written, `${file} names it now`];
}

interface Replacing {
  readonly keeps: number;
  readonly write: (draft: DraftFile) => void;
  readonly check?: () => void;
}

function replaceFile(path: string, { keeps, write, check }: Replacing): void {
  const draft = new DraftFile(path, { keeps });
  try {
    write(draft);
    draft.commit(check);
  } finally {
    draft.discard();
  }
}

/** Waits for the gateway, which may wait for lists that it fetches. Whoever leaves meanwhile must know that the files are written. */
async function unlessInterrupted(made: readonly string[], reload: Promise<Reload>): Promise<Reload> {
  const isOver = whenEndedBySignal(() => {
    const lines = [...made, 'interrupted: whether the gateway has taken it "roundabout pool show" tells'];
    process.stderr.write(`${lines.map(printable).join('\n')}\n`);
  });
  try {
    return await reload;
  } finally {
    isOver();
  }
}

interface Reload {
  readonly result: PoolReload | null;
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** Has the running gateway read the pool again. Whatever comes of it, the files are written. */
async function reloadPool(workplace: Workplace, pool: string): Promise<Reload> {
  try {
    const { result } = await workplace.run('pool.reload', { pools: [pool] }, RELOAD_DEADLINE_MS);
    const lines = result.pools.map(({ exits, added, removed, kept }) => {
      return `the gateway has taken it: ${countOf(exits, 'exit')}, ${added} added, ${removed} removed, ${kept} kept`;
    });
    const faults = [...result.pools.flatMap((one) => one.faults), ...result.faults];
    if (faults.length === 0) return { result, lines, exitCode: exitCodes.ok };
    return { result, lines: ['the gateway has not taken it:', ...faults], exitCode: exitCodes.misused };
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    if (cause.code === 'not_running')
      return { result: null, lines: ['no gateway runs that had to be told'], exitCode: exitCodes.ok };
    const remedy = cause.code === 'unknown_command' ? 'it is of another version: send it SIGHUP' : cause.remedy;
    return {
      result: null,
      lines: [`the gateway has not taken it: ${cause.message}`, remedy],
      exitCode: exitCodes.failed,
    };
  }
}
