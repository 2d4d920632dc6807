import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Commands, runCommand } from '../admin/command.ts';
import { CommandError } from '../admin/command-error.ts';
import type { CommandResults } from '../admin/command-results.ts';
import { createCommands } from '../admin/commands.ts';
import { CONTROL_DEADLINE_MS, controlPath } from '../admin/control-protocol.ts';
import { noExit } from '../admin/exit-names.ts';
import { exitPage } from '../admin/exit-page.ts';
import { type ExitKnowledge, exitView } from '../admin/exit-view.ts';
import { exitWalk } from '../admin/exit-walk.ts';
import { type OperatorWords, operatorStatus } from '../admin/operator-status.ts';
import { poolStats } from '../admin/pool-stats.ts';
import { poolViews } from '../admin/pool-view.ts';
import type { QuotaAnswers } from '../admin/quota-commands.ts';
import { openStoredStates, type StoredStates } from '../keeping/operator-states.ts';
import { openQuotaDesk } from '../keeping/quota-desk.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { OfflineChecks } from '../probing/offline-checks.ts';
import { Clients } from '../store/clients.ts';
import { openStore, type Store, storePath } from '../store/database.ts';
import { ledgerLayout } from '../store/ledger-store.ts';
import { loadSecretKey } from '../store/secret-key.ts';
import { askGateway } from './control-client.ts';
import { placesOf } from './default-places.ts';
import { workAlone } from './files-alone.ts';
import {
  type CheckedSettings,
  ConfigFaultsError,
  checkSettings,
  configOf,
  dataFolderOf,
  type PoolPlaces,
  poolPlaces,
} from './settings-check.ts';
import type { Screen } from './table.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export interface WorkplaceOptions {
  /** As given; undefined for the default. */
  readonly config: string | undefined;
  readonly data: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The wall clock, in ms since the epoch. */
  readonly now: () => number;
  readonly screen: Screen;
  /** Whether people read along, who can be asked. */
  readonly mayAsk: boolean;
  /** Says something beside what the command answers. */
  readonly warn: (line: string) => void;
}

/** Where a command does its work: at the running gateway if there is one, otherwise on its files. */
export class Workplace {
  readonly configFile: string;
  /** Absolute; undefined where the config says. */
  readonly dataOverride: string | undefined;
  /** See Places. */
  readonly isPackages: boolean;
  readonly screen: Screen;
  readonly #options: WorkplaceOptions;
  #store: Store | undefined;
  #ledger: Store | undefined;
  /** Bookings that the running gateway can't write now, as of the last ledger(). */
  bookingsWaiting = 0;
  #quotas: ReturnType<typeof openQuotaDesk> | undefined;
  #stored: StoredStates | undefined;
  #settings: CheckedSettings | undefined;
  #checks: OfflineChecks | undefined;
  #remark: string | null = null;

  constructor(options: WorkplaceOptions) {
    const { configFile, dataOverride, isPackages, leftBehind } = placesOf(options);
    if (leftBehind !== null) throw dataLeftBehind(leftBehind);
    this.configFile = configFile;
    this.dataOverride = dataOverride;
    this.isPackages = isPackages;
    this.screen = options.screen;
    this.#options = options;
  }

  /** Runs a command. `live` tells whether the gateway did, which may take `deadlineMs`. Throws CommandError or StoreError. */
  async run<Name extends keyof CommandResults>(
    name: Name,
    args: object,
    deadlineMs = CONTROL_DEADLINE_MS,
  ): Promise<{ result: CommandResults[Name]; live: boolean }> {
    // With --data a client can be locked out even while the config is being edited.
    const folder = this.dataOverride ?? dataFolderOf(this.#place);
    const reply = await askGateway(controlPath(folder), { command: name, args }, deadlineMs);
    if (reply?.ok === false) throw new CommandError(reply.error);
    if (reply === null && name.startsWith('check.')) await this.#openChecks(folder);
    const result = reply === null ? await this.#runAlone(folder, { name, args }) : reply.result;
    // Either way it is what the gateway's answer would be.
    return { result: JSON.parse(JSON.stringify(result)), live: reply !== null };
  }

  /** What should be said of a command that found no gateway, beside what it answers; null for nothing. */
  get remark(): string | null {
    return this.#remark;
  }

  /** The same by another configuration or data folder, where one is named. */
  elsewhere({ config, data }: Pick<WorkplaceOptions, 'config' | 'data'>): Workplace {
    const { config: ownConfig, data: ownData } = this.#options;
    return new Workplace({ ...this.#options, config: config ?? ownConfig, data: data ?? ownData });
  }

  /** Runs a command on the gateway alone; null where none runs. Throws CommandError. */
  async runLive<Name extends keyof CommandResults>(
    name: Name,
    args: object,
    deadlineMs: number,
  ): Promise<CommandResults[Name] | null> {
    const folder = this.dataOverride ?? dataFolderOf(this.#place);
    const reply = await askGateway(controlPath(folder), { command: name, args }, deadlineMs);
    if (reply?.ok === false) throw new CommandError(reply.error);
    return reply === null ? null : (reply.result as CommandResults[Name]);
  }

  /** Whether people read what is answered, and no program (`--json`). */
  get isForPeople(): boolean {
    return this.#options.mayAsk;
  }

  /** The wall clock, in ms since the epoch. */
  now(): number {
    return this.#options.now();
  }

  /** The ledger, with what the running gateway, if there is one, has booked up to now; null where there is none yet. Throws
   *  CommandError or StoreError. */
  async ledger(): Promise<Store | null> {
    const { result } = await this.run('ledger.write', {});
    this.bookingsWaiting = result.waiting;
    const folder = this.dataOverride ?? dataFolderOf(this.#place);
    if (!existsSync(join(folder, ledgerLayout.file))) return null;
    this.#ledger ??= openStore(folder, { now: this.#options.now }, ledgerLayout);
    return this.#ledger;
  }

  /** Config and pools, with all that is wrong with them. */
  settings(): CheckedSettings {
    this.#settings ??= checkSettings(this.#place);
    return this.#settings;
  }

  /** The pool files, and where they are. Throws ConfigFaultsError. */
  poolFiles(): PoolPlaces {
    return poolPlaces(this.#place);
  }

  /** Who can be asked; null where nobody can. */
  terminal(): Terminal | null {
    return this.#options.mayAsk ? openTerminal() : null;
  }

  async close(): Promise<void> {
    await this.#checks?.end();
    this.#store?.close();
    this.#ledger?.close();
    this.#quotas?.close();
  }

  #runAlone(folder: string, asked: { name: string; args: object }): unknown {
    const { remark, result } = workAlone(folder, asked);
    this.#remark = remark ?? this.#remark;
    return result ?? runCommand(this.#direct(folder), asked);
  }

  get #place() {
    return { file: this.configFile, env: this.#options.env, dataOverride: this.dataOverride };
  }

  #direct(folder: string): Commands {
    return createCommands({
      clients: () => this.#clients(folder),
      registry: () => this.#pools(),
      pools: () => poolViews(this.#pools(), { disabled: this.#said(folder).pools, isUsable: null }),
      exitStates: () => this.#states(folder).exits,
      statesByExit: () => this.#said(folder).exits,
      disabledPools: () => this.#states(folder).pools,
      disabledByName: () => this.#said(folder).pools,
      onStatesChanged: () => {},
      wallTime: this.#options.now,
      poolStats: (view) => poolStats(this.#pools(), view, { ...this.#knowledge(folder), traffic: () => null }),
      exits: (query) => exitPage(this.#pools(), query, this.#knowledge(folder)),
      walkExits: (query) => exitWalk(this.#pools(), query, this.#knowledge(folder)),
      exit: (id, states) => {
        const slot = this.#pools().slotOf(id) ?? -1;
        const exit = this.#pools().exitAt(slot);
        if (exit === undefined) throw noExit(id);
        return { ...exitView(exit, slot, this.#knowledge(folder)), states, insight: null };
      },
      health: () => {
        throw notRunning(folder);
      },
      reloadPools: () => {
        throw notRunning(folder);
      },
      report: () => {
        throw notRunning(folder);
      },
      sessions: () => {
        throw notRunning(folder);
      },
      checks: () => {
        if (this.#checks === undefined) throw notRunning(folder);
        return this.#checks;
      },
      limitsLeft: () => null,
      quotasLeft: () => null,
      quotas: () => this.#quotaDesk(folder),
      writeLedger: () => ({ waiting: 0 }),
      onClientsChanged: () => {},
    });
  }

  #quotaDesk(folder: string): QuotaAnswers {
    const { now, warn } = this.#options;
    const everyone = () => configOf(this.#place).clientQuotas;
    this.#quotas ??= openQuotaDesk(folder, { wallTime: now, everyone, warn });
    return this.#quotas.desk;
  }

  /** Checks of exits are made here where no gateway makes them. */
  async #openChecks(folder: string): Promise<void> {
    if (this.#checks !== undefined) return;
    const registry = this.#pools();
    const store = this.#storeOf(folder);
    // Only here: the other commands answer sooner without it.
    const { openOfflineChecks } = await import('../probing/offline-checks.ts');
    this.#checks = await openOfflineChecks({
      config: configOf(this.#place),
      registry,
      store,
      warn: this.#options.warn,
    });
  }

  #clients(folder: string): Clients {
    return new Clients(this.#storeOf(folder), loadSecretKey(folder));
  }

  #states(folder: string): StoredStates {
    this.#stored ??= openStoredStates(this.#storeOf(folder));
    return this.#stored;
  }

  /** Without making a store only to see that nothing stands in it. */
  #said(folder: string): OperatorWords {
    if (!existsSync(storePath(folder))) return { exits: new Map(), pools: new Map() };
    const { exits, pools } = this.#states(folder);
    return { exits: exits.byExit, pools: pools.byName };
  }

  #knowledge(folder: string): ExitKnowledge {
    const said = operatorStatus(this.#pools(), this.#said(folder));
    return { figures: () => null, statusOf: (slot) => said(slot) ?? 'ok', seen: () => null, everSeen: () => [] };
  }

  #storeOf(folder: string): Store {
    this.#store ??= openStore(folder, { now: this.#options.now });
    return this.#store;
  }

  #pools(): PoolRegistry {
    const { faults, pools } = this.settings();
    if (faults.length > 0) throw new ConfigFaultsError(this.configFile, faults);
    return pools;
  }
}

function notRunning(folder: string): CommandError {
  return new CommandError({
    code: 'not_running',
    message: `no gateway runs on ${folder}`,
    remedy: 'start it with "roundabout start", or name its data folder with --data DIR',
  });
}

/** Clients and secrets must not seem to be gone. */
function dataLeftBehind(folder: string): CommandError {
  return new CommandError({
    code: 'bad_argument',
    message: `there are data within the package, in ${folder}, where npm takes them away`,
    remedy: `move them: mv ${folder} ./data, or name that folder with --data DIR`,
  });
}
