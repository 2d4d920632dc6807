import { CommandError } from '../admin/command-error.ts';
import { type ConfigFault, formatFault } from '../config/fault.ts';
import type { PoolFileContent } from '../config/pool-file.ts';
import { type AppliedPools, PoolCatalogue, type StagedPools } from '../pool/catalogue.ts';
import type { DemoExit } from '../pool/entry-drafts.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { FilterList } from '../pool/filter-list.ts';
import type { PoolSources } from '../pool/pool-builder.ts';
import { StartFault } from '../threads/start-fault.ts';
import { gently } from './gently.ts';
import type { PoolFiles, TellRemark } from './settings.ts';

/** The next version of all pools, which `commit` takes. */
export interface NextPools {
  readonly staged: StagedPools;
  /** What stands in it of pool files. */
  readonly files: readonly PoolFileContent[];
}

/** What pools were found to be worth, each for itself. */
export interface Restaged extends NextPools {
  /** By pool: those that keep what they had. */
  readonly faulty: ReadonlyMap<string, readonly ConfigFault[]>;
  /** Of no pool that stands, or of several. */
  readonly faults: readonly ConfigFault[];
  /** Pools that there will be no more. */
  readonly leaving: readonly string[];
}

/** What is to be staged again. */
interface Wanted {
  /** Pools that stay as they are. */
  readonly keep: Set<string>;
  readonly faulty: Map<string, readonly ConfigFault[]>;
  readonly faults: ConfigFault[];
}

/** Makes pools of pool files, for the thread that changes them: all at once and without a fault, or some of them while those with
 *  faults stay as they are. Only what was staged last can be committed. */
export class PoolLoader {
  readonly #catalogue = new PoolCatalogue();
  readonly #demo: readonly DemoExit[];
  readonly #remark: TellRemark;
  #files: readonly PoolFileContent[] = [];

  /** `demo` are the exits behind `demo` entries; `remark` is told what lists leave out. */
  constructor(demo: readonly DemoExit[], remark: TellRemark) {
    this.#demo = demo;
    this.#remark = remark;
  }

  /** The files of all pools that stand, as they were when those were taken. */
  get files(): readonly PoolFileContent[] {
    return this.#files;
  }

  /** Stages all pools, at once. Throws StartFault with every fault. */
  stageAll(from: PoolFiles): NextPools {
    return faultless(this.#catalogue.stage(this.#sources(from, from.files)), from.files);
  }

  /** The same between other work. */
  async stageAllGently(from: PoolFiles): Promise<NextPools> {
    const steps = this.#catalogue.stageSteps(this.#sources(from, from.files), new Set());
    return faultless(await gently(steps), from.files);
  }

  /** Stages the pools named by `only`, or all, by what pool files say now. One with a fault keeps the exits and the terms that it
   *  has, and so does one whose file is gone while the config names it. Rejects with CommandError where there is none of a name. */
  async stageAgain(from: PoolFiles, only: readonly string[] | null): Promise<Restaged> {
    const standing = this.#files.map(({ name }) => name);
    const read = from.files.map(({ name }) => name);
    const withFile = new Set(read);
    const all = new Set([...standing, ...read]);
    const wanted = only === null ? all : new Set(only.map((name) => name.toLowerCase()));
    for (const name of wanted) if (!all.has(name)) throw unknownPool(name);
    const keep = new Set([...all].filter((name) => !wanted.has(name)));
    const faulty = new Map<string, readonly ConfigFault[]>();
    const faults: ConfigFault[] = [];
    const add = (pool: string | undefined, found: readonly ConfigFault[]) => {
      if (pool === undefined) faults.push(...found);
      else if (wanted.has(pool)) faulty.set(pool, [...(faulty.get(pool) ?? []), ...found]);
    };
    for (const fault of from.faults) {
      const pool = this.#poolIn(fault.file);
      add(pool, [fault]);
      if (pool === undefined) continue;
      keep.add(pool);
      withFile.add(pool);
    }
    for (const rest of from.rests) {
      const pool = this.#poolIn(rest.file);
      if (pool === undefined || wanted.has(pool)) add(pool, await faultsOfRest(from, rest));
    }
    const leaving = standing.filter((name) => !read.includes(name) && !keep.has(name));
    if (leaving.length > 0 && from.missing([...read, ...keep]).length > 0) for (const name of leaving) keep.add(name);
    // Whichever are read again: of a file that is gone no other pool's reading says that it is back.
    const missed = from.missing([...withFile]);
    return this.#stageEach(from, { keep, faulty, faults: [...faults, ...missed] });
  }

  /** Stages the pools of these names by what their files said when they were taken; those that are no more are left out. */
  stageSources(from: PoolFiles, only: readonly string[]): Promise<Restaged> {
    const keep = new Set(this.#files.map(({ name }) => name).filter((name) => !only.includes(name)));
    return this.#stageEach({ ...from, files: this.#files }, { keep, faulty: new Map(), faults: [] });
  }

  /** Makes what was staged last the version that stands. */
  commit({ staged, files }: NextPools): AppliedPools {
    this.#files = files;
    return this.#catalogue.commit(staged);
  }

  /** The list of a filter's exits, of the pools that stand. */
  listOf(filter: ExitFilter): FilterList {
    return this.#catalogue.listOf(filter);
  }

  /** The pool that stands by a file. */
  #poolIn(path: string): string | undefined {
    return this.#files.find(({ file }) => file === path)?.name;
  }

  async #stageEach(from: PoolFiles, { keep, faulty, faults }: Wanted): Promise<Restaged> {
    const kept = this.#files.filter(({ name }) => keep.has(name));
    const files = [...kept, ...from.files.filter(({ name }) => !keep.has(name))];
    const sources = this.#sources(from, files);
    for (const fault of sources.faults) {
      const pool = files.find(({ file }) => file === fault.file)?.name ?? '';
      keep.add(pool);
      faulty.set(pool, [...(faulty.get(pool) ?? []), fault]);
    }
    for (;;) {
      const staged = await gently(this.#catalogue.stageSteps({ ...sources, faults: [] }, keep));
      const bad = staged.reports.filter((report) => report.faults.length > 0);
      // What was taken of those can't be told apart any more: once again, without them.
      for (const report of bad) {
        faulty.set(report.pool, report.faults);
        keep.add(report.pool);
      }
      if (bad.length === 0) return { staged, faulty, faults, ...this.#outcome(files, keep) };
    }
  }

  /** Which files stand behind what was staged, and which pools will be no more. */
  #outcome(files: readonly PoolFileContent[], keep: ReadonlySet<string>) {
    const former = this.#files.filter(({ name }) => keep.has(name));
    const fresh = files.filter(({ name }) => !keep.has(name));
    const names = new Set([...former, ...fresh].map(({ name }) => name));
    const leaving = this.#files.map(({ name }) => name).filter((name) => !names.has(name));
    return { files: [...former, ...fresh], leaving };
  }

  #sources(from: PoolFiles, files: readonly PoolFileContent[]): PoolSources {
    return from.sources(files, this.#demo, this.#remark);
  }
}

/** What else is wrong with a file that has faults of form. */
async function faultsOfRest(from: PoolFiles, rest: PoolFileContent): Promise<ConfigFault[]> {
  const faults: ConfigFault[] = [];
  for (const pool of from.sources([rest], []).pools) faults.push(...(await gently(pool.drafts(() => {}))));
  return faults;
}

function faultless(staged: StagedPools, files: readonly PoolFileContent[]): NextPools {
  if (staged.faults.length > 0) throw new StartFault(2, staged.faults.map(formatFault));
  return { staged, files };
}

function unknownPool(name: string): CommandError {
  return new CommandError({
    code: 'not_found',
    message: `there is no pool "${name}"`,
    remedy: 'see "roundabout pool list"',
  });
}
