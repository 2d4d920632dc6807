import { CommandError, type CommandFault } from '../admin/command-error.ts';
import type { PoolReload } from '../admin/reload-command.ts';
import { formatFault } from '../config/fault.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { Certificates } from './certificates.ts';
import { poolReloadOf } from './pool-changes.ts';
import type { PoolLoader } from './pool-loader.ts';
import type { Settings } from './settings.ts';
import { StartFault } from './start-fault.ts';
import { Turns } from './turns.ts';
import type { WorkerGroup } from './worker-group.ts';

/** What a reload reads but can't change while the gateway runs. */
const LATER = ['admin', 'data', 'limits', 'accessLog', 'resolver', 'workers', 'relay', 'ledger'] as const;

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
  readonly log: AccessLog | null;
  readonly warn: (line: string) => void;
}

/** Reads again what the gateway was started by, one reload after another: all of it or nothing; or pools alone, each for itself. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #turns = new Turns();
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

  /** No reload begins any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Config, pools and certificates; with any fault everything stays as it was. Tells what came of it; never rejects. */
  reloadAll(): Promise<void> {
    const { warn } = this.#options;
    return this.#turns.take(async () => {
      if (this.#stopped) return;
      await this.#takeAll().catch((fault: unknown) => {
        const lines = fault instanceof StartFault ? fault.lines : [String(fault)];
        warn('reload refused, everything stays as it was:');
        lines.forEach(warn);
      });
    });
  }

  /** The pools of these names, or all, by the config that holds: files and what they name are read again. A pool with a fault keeps
   *  what it had. Rejects with CommandError where there is no such pool. */
  reloadPools(only: readonly string[] | null): Promise<PoolReload> {
    const { loader, group } = this.#options;
    return this.#turns.take(async () => {
      if (this.#stopped) throw new CommandError(stopping);
      const restaged = await loader.stageAgain(this.#settings.readPools(), only);
      const applied = await group.takePools(() => loader.commit(restaged));
      return poolReloadOf(restaged, applied);
    });
  }

  async #takeAll(): Promise<void> {
    const { readSettings, loader, certificates, group, log, warn } = this.#options;
    const settings = readSettings();
    const next = await loader.stageAllGently(settings);
    const prepared = await certificates.prepare(settings.config);
    const commitPools = () => loader.commit(next);
    await group
      .reload({ config: settings.config, certificates: prepared.pairs, commitPools })
      .catch((fault: unknown) => {
        prepared.abort();
        throw fault;
      });
    await prepared.commit();
    await group.settled();
    for (const warning of settings.warnings) warn(formatFault(warning));
    for (const key of LATER) {
      if (JSON.stringify(settings.config[key]) === JSON.stringify(this.#settings.config[key])) continue;
      warn(`${key}: the change takes effect at the next start`);
    }
    this.#settings = settings;
    warn('config, pools and certificates are read again');
    await log?.reopen().catch((cause: unknown) => warn(`the access log goes on in its old file: ${cause}`));
  }
}
