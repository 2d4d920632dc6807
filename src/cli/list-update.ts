import { existsSync } from 'node:fs';
import { badArgument, type CommandError } from '../admin/command-error.ts';
import { ListChange } from '../pool/list-change.ts';
import { type ListedExit, type ListOptions, ListReader } from '../pool/list-formats/list-reader.ts';
import { ListWriter } from '../pool/list-formats/list-writer.ts';
import { countOf } from '../protocol/count-text.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import type { Geo } from '../protocol/places.ts';
import { textChunks } from '../sources/text-chunks.ts';
import type { Outcome } from './command-spec.ts';
import { DraftFile, versionOf } from './draft-file.ts';
import { whenEndedBySignal } from './ended-by-signal.ts';
import { commitChange } from './list-commit.ts';
import { type ListInput, readInput } from './list-input.ts';
import { ListSummary } from './list-summary.ts';
import type { PoolHome } from './pool-home.ts';
import { ConfigFaultsError } from './settings-check.ts';
import type { Terminal } from './terminal.ts';
import type { Workplace } from './workplace.ts';

/** What stands at the head of a list that the command line keeps. */
const LIST_HEAD = '# Kept by "roundabout pool import, add and remove": one exit a line. Other comments are not kept.\n';

export interface UpdateOptions {
  readonly home: PoolHome;
  readonly input: ListInput;
  readonly reading: ListOptions;
  /** Of exits of which the list doesn't say it. */
  readonly place: Geo;
  /** Whether exits go that the input doesn't name. */
  readonly replaces: boolean;
  readonly terminal: Terminal | null;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly skipFaulty: boolean;
  /** Whether less than half of the exits may be left without a question. */
  readonly allowShrink: boolean;
}

/** Takes the exits of a list into that of a pool. They pass by one by one: what is new waits in a file until it is said yes to. */
export async function updateList(workplace: Workplace, options: UpdateOptions): Promise<Outcome> {
  const { home, input, reading, place, terminal } = options;
  const change = new ListChange({ replaces: options.replaces });
  const version = versionOf(home.listPath);
  readStanding(home, (exit) => change.stands(exit));
  const summary = new ListSummary({ pool: home.pool, list: home.listPath, source: input.name });
  const fresh = new FreshExits(home.listPath, options.dryRun);
  const isOver = whenEndedBySignal(() => fresh.discard());
  try {
    const take = (listed: ListedExit, line: number) => {
      const exit = hasPlace(place) ? { ...listed, geo: { ...place, ...listed.geo } } : listed;
      const verdict = change.comes(exit);
      if (verdict === 'duplicate' || verdict === 'unchanged') return;
      summary.example(verdict === 'added' ? '+' : '~', exit);
      const fault = fresh.add(exit);
      if (fault !== null) summary.fault(line, fault);
    };
    await readInput(input, { ...reading, terminal }, summary.sink(take));
    summary.counts = change.counts;
    if (change.shrinks && !options.allowShrink)
      summary.shrinking = `it names ${countOf(change.exits, 'exit')} where there were ${change.before}`;
    if (change.cameNone && summary.faulty === 0) throw emptyList(input.name, options.replaces);
    if (change.counts.removed > 0) {
      const take = (exit: ListedExit) => {
        if (change.isRemoved(exit)) summary.example('-', exit);
      };
      readStanding(home, take, () => summary.wants('-'));
    }
    const write = (draft: DraftFile) => {
      writeStanding(home, draft, (exit) => change.stays(exit));
      fresh.copyTo(draft);
      // Now, because whoever interrupts the rest leaves at once.
      fresh.discard();
    };
    return await commitChange(workplace, summary, { ...options, version, write });
  } finally {
    isOver();
    fresh.discard();
  }
}

/** Writes those exits of a pool's list again that stay. Throws CommandError where one can't be: then none must be lost. */
export function writeStanding(home: PoolHome, draft: DraftFile, stays: (exit: ListedExit) => boolean): void {
  const writer = new ListWriter('pipe');
  draft.write(LIST_HEAD);
  readStanding(home, (exit) => {
    if (!stays(exit)) return;
    const part = writer.write(exit);
    if (!part.ok)
      throw badArgument(home.listPath, `${formatEndpoint(exit.endpoint)}: ${part.fault.detail}`, 'take it out there');
    draft.write(part.value);
  });
  draft.write(writer.end());
}

/** The exits of a pool's list as it stands, for as long as `wants` says so. Throws ConfigFaultsError where it has faults. */
export function readStanding(
  { listPath, reading }: PoolHome,
  take: (exit: ListedExit) => void,
  wants: () => boolean = () => true,
): void {
  if (!existsSync(listPath)) return;
  const reader = new ListReader(reading, {
    exit: take,
    fault: (line, message) => {
      throw new ConfigFaultsError(listPath, [{ file: listPath, line, column: 1, path: '', message }]);
    },
  });
  for (const chunk of textChunks(listPath)) {
    reader.push(chunk);
    if (!wants()) return;
  }
  reader.end();
}

/** Exits that are new, or known better, on the way into a list. In a dry run they are only checked. */
class FreshExits {
  readonly #draft: DraftFile | null;
  readonly #writer = new ListWriter('pipe');

  constructor(listPath: string, dryRun: boolean) {
    this.#draft = dryRun ? null : new DraftFile(listPath, { role: 'fresh' });
  }

  /** Returns why the exit can't be written, null where it is. */
  add(exit: ListedExit): string | null {
    const part = this.#writer.write(exit);
    if (!part.ok) return part.fault.detail;
    this.#draft?.write(part.value);
    return null;
  }

  copyTo(target: DraftFile): void {
    if (this.#draft === null) return;
    this.#draft.write(this.#writer.end());
    this.#draft.flush();
    for (const chunk of textChunks(this.#draft.path)) target.write(chunk);
  }

  discard(): void {
    this.#draft?.discard();
  }
}

/** What a fetch that failed leaves behind must neither empty a pool nor pass for a list. */
function emptyList(name: string, replaces: boolean): CommandError {
  return replaces
    ? badArgument(name, 'there is no exit in it: nothing is replaced', 'to empty a pool, say "pool remove"')
    : badArgument(name, 'there is no exit in it: nothing is written', 'see whether it is the right list');
}

function hasPlace(place: Geo): boolean {
  return Object.keys(place).length > 0;
}
