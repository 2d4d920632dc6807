import { CommandError } from '../admin/command-error.ts';
import type { ConfigFault } from '../config/fault.ts';
import { formatFault } from '../config/fault.ts';
import { type AppliedPools, PoolCatalogue, type StagedPools } from '../pool/catalogue.ts';
import type { DemoExit } from '../pool/entry-drafts.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { FilterList } from '../pool/filter-list.ts';
import type { PoolFiles } from './settings.ts';
import { StartFault } from './start-fault.ts';

/** What pool files were found to be worth, read again. */
export interface Restaged {
  readonly staged: StagedPools;
  /** By pool: those that keep what they had. */
  readonly faulty: ReadonlyMap<string, readonly ConfigFault[]>;
  /** Of no pool that stands, or of several. */
  readonly faults: readonly ConfigFault[];
  /** Pools that there will be no more. */
  readonly leaving: readonly string[];
}

/** Makes pools of pool files, for the thread that changes them: all at once and without a fault, or some of them while those with
 *  faults stay as they are. What was staged last is what `commit` takes. */
export class PoolLoader {
  readonly #catalogue = new PoolCatalogue();
  /** The pool of each file, as it was last read. */
  #homes: ReadonlyMap<string, string> = new Map();

  /** Stages all pools. Throws StartFault with every fault. */
  stageAll(files: PoolFiles, demo: readonly DemoExit[]): StagedPools {
    const staged = this.#catalogue.stage(files.sources(demo));
    if (staged.faults.length > 0) throw new StartFault(2, staged.faults.map(formatFault));
    this.#homes = homesOf(files);
    return staged;
  }

  /** Stages the pools named by `only`, or all. One with a fault keeps the exits and the terms that it has, and so does one whose
   *  file is gone while the config names it. Throws CommandError where there is none of a name. */
  stageAgain(files: PoolFiles, demo: readonly DemoExit[], only: readonly string[] | null): Restaged {
    const sources = files.sources(demo);
    const standing = this.#catalogue.record.pools.map(({ name }) => name);
    const read = new Set(sources.pools.map(({ name }) => name));
    const wanted = only?.map((name) => name.toLowerCase()) ?? [...standing, ...read];
    for (const name of wanted) if (!standing.includes(name) && !read.has(name)) throw unknownPool(name);
    const keep = new Set([...standing, ...read].filter((name) => !wanted.includes(name)));
    const faulty = new Map<string, ConfigFault[]>();
    const faults: ConfigFault[] = [];
    for (const fault of [...files.faults, ...sources.faults]) {
      const pool = this.#homes.get(fault.file);
      if (pool === undefined) faults.push(fault);
      else if (wanted.includes(pool)) faulty.set(pool, [...(faulty.get(pool) ?? []), fault]);
      if (pool !== undefined) keep.add(pool);
    }
    for (const name of repeatedNames(files)) keep.add(name);
    let leaving = standing.filter((name) => !read.has(name) && !keep.has(name));
    const missed = leaving.length === 0 ? [] : files.missing([...read, ...keep]);
    if (missed.length > 0) {
      for (const name of leaving) keep.add(name);
      faults.push(...missed);
      leaving = [];
    }
    for (;;) {
      const staged = this.#catalogue.stage({ pools: sources.pools, faults: [] }, keep);
      const bad = staged.reports.filter((report) => report.faults.length > 0);
      this.#homes = new Map([...this.#homes, ...homesOf(files)]);
      if (bad.length === 0) return { staged, faulty, faults, leaving };
      // What was taken of them can't be told apart any more: once again, without them.
      for (const { pool, faults: found } of bad) {
        faulty.set(pool, [...found]);
        keep.add(pool);
      }
    }
  }

  /** Makes what was staged last the version that stands. */
  commit(staged: StagedPools): AppliedPools {
    return this.#catalogue.commit(staged);
  }

  /** The list of a filter's exits, of the pools that stand. */
  listOf(filter: ExitFilter): FilterList {
    return this.#catalogue.listOf(filter);
  }
}

function homesOf({ files }: PoolFiles): Map<string, string> {
  return new Map(files.map(({ file, name }) => [file, name]));
}

/** Names that more than one file has. */
function repeatedNames({ files }: PoolFiles): string[] {
  const names = files.map(({ name }) => name);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function unknownPool(name: string): CommandError {
  return new CommandError({
    code: 'not_found',
    message: `there is no pool "${name}"`,
    remedy: 'see "roundabout pool list"',
  });
}
