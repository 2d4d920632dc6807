import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { serveControl } from './admin/control-server.ts';
import type { HealthServer } from './admin/health-server.ts';
import type { Config } from './config/config.ts';
import { formatFault } from './config/fault.ts';
import type { Demo } from './demo/demo.ts';
import { openStoredStates } from './keeping/operator-states.ts';
import { metricsPage } from './metrics/metrics.ts';
import type { ClientRecord } from './policy/client-directory.ts';
import type { DemoCounts } from './pool/pool-file.ts';
import { openPage, Probing, type ProbingOptions } from './probing/probing.ts';
import { warnOfForeignRanges } from './sources/own-ranges.ts';
import { PoolLoader } from './sources/pool-loader.ts';
import { PoolSources } from './sources/pool-sources.ts';
import { readSettings, type Settings } from './sources/settings.ts';
import { startAdmin } from './startup/admin-listener.ts';
import { announce } from './startup/announcement.ts';
import { ClientWatch } from './startup/client-watch.ts';
import { gatewayCommands, healthOf, readinessOf } from './startup/control.ts';
import { demoSecretOf, openDemo } from './startup/demo-pool.ts';
import { openLog } from './startup/opened-log.ts';
import { dataPath, type NamedPath, openPath, storeFault } from './startup/opened-path.ts';
import { listenToSignals } from './startup/process-signals.ts';
import { clearReadyFile, writeReadyFile } from './startup/ready-file.ts';
import { asRead, Reloader, type ReloaderOptions } from './startup/reload.ts';
import { pacedReloads } from './startup/reloads.ts';
import { remark, say, warn } from './startup/remarks.ts';
import { type GroupParts, makeGroup, type Running } from './startup/running.ts';
import { Stopping } from './startup/stopping.ts';
import { Clients } from './store/clients.ts';
import { openStore } from './store/database.ts';
import { keptEpochOffset } from './store/epoch-offset.ts';
import { ensureFolder } from './store/folder.ts';
import { lockFolder } from './store/folder-lock.ts';
import { loadSecretKey } from './store/secret-key.ts';
import { StoreError } from './store/store-error.ts';
import type { AccessLog } from './telemetry/access-log.ts';
import { capacityOf, openFileLimit } from './threads/capacity.ts';
import { Certificates } from './threads/certificates.ts';
import { momentsBy, sharedClock } from './threads/clock.ts';
import { FaultTeller } from './threads/fault-teller.ts';
import { logRoomOf } from './threads/shared-memory.ts';
import { StartFault } from './threads/start-fault.ts';
import { openTunnelRelay } from './threads/tunnel-relay.ts';
import { effectiveWorkers } from './workers/worker-count.ts';
import type { WorkerGroup } from './workers/worker-group.ts';

/** How often the store is asked whether another process changed the clients, and the process how much memory it holds, in ms. */
const WATCH_MS = 400;

export interface StartOptions {
  readonly configFile: string;
  /** In place of the config's `data`. */
  readonly dataFolder?: string;
  /** Written as JSON, with every bound address and the pid, once the gateway serves. */
  readonly readyFile?: string;
}

/** A gateway that serves. */
export interface RunningGateway {
  /** Resolves with the exit code after SIGTERM or SIGINT and the drain. */
  readonly stopped: Promise<number>;
}

/** Starts the gateway in this process: reads config and pools, holds the data folder, opens the store, binds the listeners, and
 *  says where it serves. SIGTERM and SIGINT drain it, SIGHUP re-reads config, pools and certificates and keeps the old on any
 *  fault. Rejects with StartFault, and then nothing is left behind; where a thread won't end, the fault is told and the process killed. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const gateway = new Gateway(options);
  try {
    const { stopped } = await gateway.start();
    return { stopped };
  } catch (fault) {
    await gateway.close().finally(() => gateway.killIfStuck(fault));
    throw fault instanceof StoreError ? storeFault(gateway.data, fault) : fault;
  }
}

const version: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

class Gateway {
  readonly data: NamedPath;
  readonly #options: StartOptions;
  readonly #closers: (() => unknown)[] = [];
  readonly #faults = new FaultTeller((id, text) => warn(`unexpected fault in exchange ${id}: ${text}`));
  #loader = new PoolLoader([], remark);
  readonly #settings: Settings;
  #demo: Demo | null = null;
  #log: AccessLog | null = null;
  #running: Running | null = null;
  #reloader: Reloader | null = null;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#settings = this.#readSettings();
    this.data = dataPath(this.#settings.config.data, options.dataFolder);
  }

  async start(): Promise<Stopping> {
    const { config, demo, warnings } = this.#settings;
    for (const warning of warnings) warn(formatFault(warning));
    const { readyFile } = this.#options;
    await openPath(this.data, () => ensureFolder(config.data));
    const lock = lockFolder(config.data, process.pid);
    this.#closers.push(() => lock.release());
    const store = openStore(config.data, { now: Date.now });
    this.#closers.push(() => store.close());
    const secretKey = loadSecretKey(config.data);
    const clients = new Clients(store, secretKey);
    const workers = effectiveWorkers(config.workers, process.platform);
    this.#log = await openLog(config.accessLog, logRoomOf(workers));
    this.#closers.push(() => this.#log?.close());
    const ready = { setting: '--ready-file', path: readyFile ?? '' };
    if (readyFile !== undefined) await openPath(ready, () => clearReadyFile(readyFile));
    // All paths are judged by now, before anything listens.
    const demoSecret = demo === null ? null : await this.#openDemo(demo, clients);
    const openFiles = openFileLimit();
    const capacity = capacityOf(openFiles, { configured: config.limits.connections, workers });
    // First of all threads: what the others leave behind when they end comes here.
    const relay = openTunnelRelay({ threads: config.relay.threads, pipes: capacity.pipes, isHeir: true });
    const now = sharedClock();
    const limits = { descriptors: openFiles, connections: capacity.connections };
    const standing = () => this.#reloader?.standing ?? asRead;
    const shown = () => ({ running: this.#running, relay, version, ...standing() });
    const health = () => healthOf({ ...shown(), now, askStore: () => store.dataVersion() });
    const metrics = () => metricsPage({ ...shown(), log: this.#log, limits });
    const state = () => readinessOf(this.#running?.group ?? null);
    const admin = await startAdmin(config.admin, capacity.lookers, { state, metrics });
    this.#closers.push(() => admin.close());
    const certificates = await this.#openCertificates(config);
    const take = (records: readonly ClientRecord[]) => this.#running?.group.setClients(records);
    const stored = openStoredStates(store);
    const refresh = () => this.#running?.shared.states.refresh();
    const watch = new ClientWatch({ store, clients, take, refresh, warn });
    const sources = this.#openSources(config);
    const marks = sources.marks(this.#settings.files);
    const page = await openPage(config, capacity.visitors, warn);
    this.#closers.push(() => page?.close());
    const { group, shared } = this.#makeGroup({
      own: page === null ? [admin] : [admin, page],
      secretKey,
      epochOffsetS: keptEpochOffset(store, momentsBy(now)()),
      clients,
      stored,
      certificates,
      capacity,
      relay,
      now,
    });
    // From the first listener on it serves: signals are heard before, and wait until all of it stands.
    const started = Promise.withResolvers<void>();
    const stopping = new Stopping({
      stop: () => this.#stop(group),
      hurry: () => group.hurry(),
      kill: () => process.kill(process.pid, 'SIGKILL'),
      warn,
    });
    const reload = pacedReloads(() => started.promise.then(() => this.#reloader?.reloadAll()));
    const survive = (fault: unknown) => this.#faults.tell('?', fault);
    // Undone last: a signal must not end the process while things are saved.
    this.#closers.unshift(listenToSignals({ stop: () => stopping.signal(), reload, survive, now }));
    await group.start();
    void warnOfForeignRanges(this.#settings.files, warn);
    this.#watch(group, { watch, certificates });
    const takeClients = () => watch.look().then(() => group.settled());
    const reloader = this.#makeReloader({ group, certificates, sources });
    const reloadPools = (only: readonly string[] | null) => reloader.reloadPools(only);
    const probing = this.#startProbing({ group, shared }, { admin, page, store, now });
    const parts = { group, shared, probing, clients, sources };
    const faultsOf = (pool: string) => reloader.faultsOf(pool);
    const commands = gatewayCommands({ ...parts, now, health, takeClients, reloadPools, faultsOf });
    const control = await serveControl(join(config.data, 'roundabout.sock'), commands);
    this.#closers.push(() => control.close());
    reloader.begin(marks);
    announce({ group, shared, config, admin, relay, version, demo: this.#demo, demoSecret }).forEach(say);
    const facts = { pid: process.pid, listeners: group.bound, admin };
    if (readyFile !== undefined) await openPath(ready, () => writeReadyFile(readyFile, facts));
    started.resolve();
    stopping.started();
    return stopping;
  }

  /** Undoes what start() did, the last first. */
  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }

  /** Behind close(): an orderly exit would wait for such threads for ever, and tell nobody of `fault`. */
  killIfStuck(fault?: unknown): void {
    const workers = this.#running?.group.workers.running ?? 0;
    const stuck = workers > 0 ? `${workers} of the workers won't end` : 'the access log is not read';
    if (workers === 0 && this.#log?.isStuck !== true) return;
    if (fault instanceof Error) warn(fault instanceof StartFault ? fault.message : String(fault.stack));
    warn(`everything else is saved, but ${stuck}: the process is killed`);
    process.kill(process.pid, 'SIGKILL');
  }

  get #config(): Config {
    return (this.#reloader?.settings ?? this.#settings).config;
  }

  #readSettings(copiesIn?: string): Settings {
    const { configFile, dataFolder } = this.#options;
    const reading = readSettings(configFile, { env: process.env, dataOverride: dataFolder, copiesIn });
    if (!reading.ok) throw new StartFault(2, reading.faults.map(formatFault));
    return reading.settings;
  }

  async #openDemo(counts: DemoCounts, clients: Clients): Promise<string | null> {
    const { demo, exits } = await openDemo(counts, this.#settings.config);
    this.#closers.push(() => demo.close());
    this.#demo = demo;
    this.#loader = new PoolLoader(exits, remark);
    return demoSecretOf(clients);
  }

  async #openCertificates(config: Config): Promise<Certificates> {
    const certificates = new Certificates({
      folder: config.data,
      wallTime: Date.now,
      onChange: (key, pair) => void this.#running?.group.setCertificate(key, pair),
      warn,
    });
    this.#closers.push(() => certificates.close());
    const { commit } = await certificates.prepare(config);
    await commit();
    return certificates;
  }

  #makeGroup(parts: Omit<GroupParts, 'settings' | 'loader' | 'log'>): Running {
    const tellFault = (id: string, fault: string) => this.#faults.tell(id, fault);
    const whole = { ...parts, settings: this.#settings, loader: this.#loader, log: this.#log };
    this.#running = makeGroup(whole, { warn, tellFault, onClose: (closer) => this.#closers.push(closer) });
    return this.#running;
  }

  /** Watches for clients changed by another process, memory running out, and certificates. */
  #watch(group: WorkerGroup, { watch, certificates }: { watch: ClientWatch; certificates: Certificates }): void {
    const { memoryBytes } = this.#settings.config.limits;
    const timer = setInterval(() => {
      void watch.look();
      certificates.attendToEndings();
      group.memoryFull = memoryBytes !== null && process.memoryUsage.rss() > memoryBytes;
    }, WATCH_MS);
    this.#closers.push(() => clearInterval(timer));
  }

  #openSources({ data, folder }: Config): PoolSources {
    const sources = new PoolSources({
      dataFolder: data,
      projectFolder: folder,
      env: process.env,
      wallTime: Date.now,
      random: Math.random,
      warn,
      onChange: (pool) => this.#reloader?.sourceChanged(pool),
    });
    this.#closers.push(() => sources.stop());
    return sources;
  }

  #makeReloader(parts: Pick<ReloaderOptions, 'group' | 'certificates' | 'sources'>): Reloader {
    this.#reloader = new Reloader({
      settings: this.#settings,
      readSettings: () => this.#readSettings(this.#settings.config.data),
      loader: this.#loader,
      ...parts,
      log: this.#log,
      warn,
    });
    return this.#reloader;
  }

  #startProbing(
    { group, shared }: Running,
    { admin, ...parts }: Pick<ProbingOptions, 'page' | 'store' | 'now'> & { readonly admin: HealthServer },
  ): Probing {
    const config = () => this.#config;
    const own = () => ({ listeners: group.bound, admin: [admin] });
    const isServing = () => group.phase === 'serving';
    const probing = new Probing({ ...parts, config, shared, own, isServing, warn });
    this.#closers.push(() => probing.close());
    this.#running = { group, shared, probing };
    return probing;
  }

  async #stop(group: WorkerGroup): Promise<void> {
    this.#reloader?.stop();
    const { drain } = this.#config.timeouts;
    warn(`draining: no new exchanges, those under way have ${drain / 1000} s`);
    await group.stop(drain);
    await this.close().finally(() => {
      if (this.#options.readyFile !== undefined) rmSync(this.#options.readyFile, { force: true });
      this.killIfStuck();
    });
  }
}
