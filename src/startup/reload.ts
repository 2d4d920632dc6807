import { CommandError, type CommandFault } from '../admin/command-error.ts';
import type { Health } from '../admin/health.ts';
import type { PoolReload } from '../admin/reload-command.ts';
import { formatFault } from '../config/fault.ts';
import { countOf } from '../protocol/count-text.ts';
import type { ListMarks } from '../sources/list-watch.ts';
import { warnOfForeignRanges } from '../sources/own-ranges.ts';
import { poolReloadOf } from '../sources/pool-changes.ts';
import type { PoolLoader, Restaged } from '../sources/pool-loader.ts';
import type { PoolSources } from '../sources/pool-sources.ts';
import type { PoolFiles, Settings } from '../sources/settings.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { Certificates } from '../threads/certificates.ts';
import { StartFault } from '../threads/start-fault.ts';
import { Turns } from '../workers/turns.ts';
import type { WorkerGroup } from '../workers/worker-group.ts';
import { StandingFaults } from './standing-faults.ts';
import { startSettingsThatDiffer, withStartSettings } from './start-settings.ts';

/** How what holds, and what exits are fetched from, differs from what the files say. */
export type Standing = Pick<Health, 'reload' | 'faults' | 'certificates' | 'sources'>;

/** Of a gateway that starts: whatever is wrong with what it reads then keeps it from that. */
export const asRead: Standing = { reload: 'ok', faults: [], certificates: [], sources: [] };

const noMarks: ListMarks = new Map();

const stopping: CommandFault = {
  code: 'not_running',
  message: 'the gateway is about to end',
  remedy: 'it reads all pools when it starts',
};

export interface ReloaderOptions {
  /** Those that the gateway started by. */
  readonly settings: Settings;
  /** Reads them again; throws StartFault. */
  readonly readSettings: () => Settings;
  readonly loader: PoolLoader;
  readonly certificates: Certificates;
  readonly group: WorkerGroup;
  readonly sources: PoolSources;
  readonly log: AccessLog | null;
  /** Lines that belong together come at once. */
  readonly warn: (lines: string) => void;
}

/** Reads again what the gateway was started by, one reload after another: all of it or nothing; or pools alone, each for itself. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #turns = new Turns();
  /** Pools whose sources have changed since they were read. */
  readonly #changed = new Set<string>();
  /** Pools that are read again once their sources have been asked. */
  readonly #awaited = new Set<string>();
  readonly #faults = new StandingFaults();
  #settings: Settings;
  #stopped = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** Those that hold. */
  get settings(): Settings {
    return this.#settings;
  }

  /** How what holds differs from what the files said when they were read last. */
  get standing(): Standing {
    const { refusal, all } = this.#faults;
    const { certificates, sources } = this.#options;
    const reload = refusal === null ? 'ok' : { fault: refusal };
    const faults = [...all, ...certificates.faults];
    return { reload, faults, certificates: certificates.views, sources: sources.views };
  }

  /** Why a pool keeps what it had; empty where it doesn't. */
  faultsOf(pool: string): readonly string[] {
    return this.#faults.ofPool(pool);
  }

  /** Follows where the exits come from, of the pools that the gateway starts by. `marks` are of before those were read. */
  begin(marks: ListMarks): void {
    const { sources, loader } = this.#options;
    sources.prune(loader.files);
    sources.follow(loader.files, marks);
  }

  /** No reload begins any more, and no source is asked: a gateway that drains may be killed by a third signal. */
  stop(): void {
    this.#stopped = true;
    this.#options.sources.stop();
  }

  /** Config, pools and certificates; with any fault everything stays as it was. Tells what came of it; never rejects. */
  reloadAll(): Promise<void> {
    const { warn } = this.#options;
    return this.#turns.take(async () => {
      if (this.#stopped) return;
      try {
        await this.#takeAll();
        this.#faults.clear();
      } catch (fault) {
        const lines = fault instanceof StartFault ? fault.lines : [String(fault)];
        this.#faults.refuse(lines.join('\n'));
        warn(['reload refused, everything stays as it was:', ...lines].join('\n'));
      }
    });
  }

  /** The pools of these names, or all, by the config that holds: files are read again, and what they name is read or fetched again.
   *  A pool with a fault keeps what it had. Rejects with CommandError where there is no such pool. */
  async reloadPools(only: readonly string[] | null): Promise<PoolReload> {
    const { loader, sources } = this.#options;
    const names = only?.map((name) => name.toLowerCase()) ?? null;
    const wantedOf = (files: PoolFiles) => files.files.filter(({ name }) => names?.includes(name) ?? true);
    const awaited = await this.#turns.take(async () => {
      this.#assertGoesOn();
      const wanted = wantedOf(this.#settings.readPools());
      const others = loader.files.filter(({ name }) => !wanted.some((one) => one.name === name));
      sources.follow([...others, ...wanted], noMarks);
      return wanted.map(({ name }) => name);
    });
    for (const name of awaited) this.#awaited.add(name);
    await sources.refresh(awaited);
    const taken = this.#turns.take(async () => {
      this.#assertGoesOn();
      // Sources take their time, and another reload may have taken newer files meanwhile.
      const files = this.#settings.readPools();
      const marks = sources.marks(wantedOf(files));
      try {
        const reload = await this.#takeEach(await loader.stageAgain(files, names));
        this.#faults.takeOthers(reload.faults);
        // The config holds on: what its limits and quotas no longer count is told.
        for (const fault of files.limitFaults(loader.files)) this.#options.warn(formatFault(fault));
        return reload;
      } finally {
        sources.follow(loader.files, marks);
      }
    });
    return taken.finally(() => {
      for (const name of awaited) this.#awaited.delete(name);
    });
  }

  /** What the exits of a pool are made from has changed. Tells what came of it. */
  sourceChanged(pool: string): void {
    const { loader, warn } = this.#options;
    if (this.#awaited.has(pool)) return;
    this.#changed.add(pool);
    if (this.#changed.size > 1) return;
    const take = async () => {
      const pools = [...this.#changed];
      this.#changed.clear();
      if (this.#stopped) return;
      const lines = linesOf(await this.#takeEach(await loader.stageSources(this.#settings, pools)));
      if (lines.length > 0) warn(lines.join('\n'));
    };
    this.#turns.take(take).catch((fault: unknown) => warn(`pools could not be read again: ${fault}`));
  }

  #assertGoesOn(): void {
    if (this.#stopped) throw new CommandError(stopping);
  }

  async #takeEach(restaged: Restaged): Promise<PoolReload> {
    const applied = await this.#options.group.takePools(() => this.#options.loader.commit(restaged));
    const reload = poolReloadOf(restaged, applied);
    this.#faults.takePools(reload);
    return reload;
  }

  async #takeAll(): Promise<void> {
    const { readSettings, loader, sources, certificates, group, log, warn } = this.#options;
    const settings = readSettings();
    const { config: start } = this.#options.settings;
    const config = withStartSettings(settings.config, start);
    const marks = sources.marks(settings.files);
    const next = await loader.stageAllGently(settings);
    const prepared = await certificates.prepare(config);
    const commitPools = () => loader.commit(next);
    await group.reload({ config, certificates: prepared.pairs, commitPools }).catch((fault: unknown) => {
      prepared.abort();
      throw fault;
    });
    await prepared.commit();
    await group.settled();
    void warnOfForeignRanges(settings.files, warn);
    sources.follow(loader.files, marks);
    for (const warning of settings.warnings) warn(formatFault(warning));
    // By those of the start: of what was read since, this part never came into force.
    for (const key of startSettingsThatDiffer(settings.config, start))
      warn(`${key}: the change takes effect at the next start`);
    this.#settings = { ...settings, config };
    warn('config, pools and certificates are read again');
    await log?.reopen().catch((cause: unknown) => {
      const where = log.isBroken ? 'has no reader, and its lines are lost' : 'goes on in its old file';
      warn(`the access log ${where}: ${cause}`);
    });
  }
}

/** What is worth telling of pools whose sources have changed. */
function linesOf({ pools, faults }: PoolReload): string[] {
  const lines = pools.flatMap(({ pool, exits, added, removed, faults: found }) => {
    if (found.length > 0) return [`pool ${pool} keeps its ${countOf(exits, 'exit')}:`, ...found];
    return added + removed === 0
      ? []
      : [`pool ${pool}: ${countOf(exits, 'exit')}, of which ${added} are new; ${removed} have left`];
  });
  return [...lines, ...faults];
}
