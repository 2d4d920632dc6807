import { readFileSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ControlServer, serveControl } from './admin/control-server.ts';
import { type HealthServer, startHealthServer } from './admin/health-server.ts';
import type { Config } from './config/config.ts';
import { formatFault } from './config/fault.ts';
import { type Demo, startDemo } from './demo/demo.ts';
import { ensureSelfSigned } from './listener/certificate.ts';
import type { DemoExit } from './pool/entry-drafts.ts';
import type { Pool } from './pool/exit.ts';
import type { DemoCounts } from './pool/pool-file.ts';
import { bannerLines } from './startup/banner.ts';
import { capacityOf, openFileLimit } from './startup/capacity.ts';
import { gatewayCommands, healthOf } from './startup/control.ts';
import { DataPlane } from './startup/data-plane.ts';
import { keepLeases } from './startup/kept-leases.ts';
import { pacedReloads } from './startup/reloads.ts';
import { readSettings, type Settings } from './startup/settings.ts';
import { StartFault } from './startup/start-fault.ts';
import { Clients } from './store/clients.ts';
import { openStore, type Store } from './store/database.ts';
import { ensureFolder } from './store/folder.ts';
import { lockFolder } from './store/folder-lock.ts';
import { hashSecret, loadSecretKey } from './store/secret-key.ts';
import { StoreError } from './store/store-error.ts';
import { type AccessLog, openAccessLog } from './telemetry/access-log.ts';

/** How often the store is asked whether another process changed the clients, and the process how much memory it holds, in ms. */
const WATCH_MS = 400;

/** What a reload reads but can't change while the gateway runs. */
const LATER = ['admin', 'data', 'limits', 'accessLog', 'resolver', 'workers'] as const;

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
 *  fault. Rejects with StartFault, and then nothing is left behind. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const gateway = new Gateway(options);
  try {
    await gateway.start();
  } catch (fault) {
    await gateway.close();
    throw fault instanceof StoreError ? new StartFault(1, [fault.detail, fault.remedy], { cause: fault }) : fault;
  }
  return { stopped: gateway.stopped };
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const warn = (line: string): void => {
  process.stderr.write(`roundabout: ${line}\n`);
};

const version: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

class Gateway {
  readonly #options: StartOptions;
  readonly #closers: (() => unknown)[] = [];
  readonly stopped: Promise<number>;
  #resolveStopped: (code: number) => void = () => {};
  #settings: Settings;
  #demo: Demo | null = null;
  #demoExits: readonly DemoExit[] = [];
  #log: AccessLog | null = null;
  #stopping = false;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#settings = this.#readSettings();
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
  }

  async start(): Promise<void> {
    const { config, demo, warnings } = this.#settings;
    for (const warning of warnings) warn(formatFault(warning));
    ensureFolder(config.data);
    const lock = lockFolder(config.data, process.pid);
    this.#closers.push(() => lock.release());
    const store = openStore(config.data, { now: Date.now });
    this.#closers.push(() => store.close());
    const key = loadSecretKey(config.data);
    const clients = new Clients(store, key);
    const demoSecret = demo === null ? null : await this.#startDemo(demo, clients);
    this.#log = config.accessLog.enabled ? await openAccessLog(config.accessLog) : null;
    this.#closers.push(() => this.#log?.close());
    const plane = new DataPlane({
      config,
      pools: this.#buildPools(this.#settings),
      clients: clients.snapshotClients(),
      hashSecret: (secret) => hashSecret(key, secret),
      sessionSecret: hashSecret(key, 'names of sessions'),
      capacity: capacityOf(openFileLimit(), config.limits.connections),
      log: this.#log,
      warn,
    });
    this.#closers.push(() => plane.stop(0));
    const leases = keepLeases(plane, { folder: config.data, warn });
    this.#closers.push(() => leases.stop());
    await plane.start();
    const watch = this.#watch(plane, { store, clients });
    const health = () => healthOf({ plane, version, askStore: () => store.dataVersion() });
    const admin = await this.#startAdmin(config, health);
    plane.admin = { host: config.admin.host, port: admin.port };
    const commands = gatewayCommands({ plane, clients, health, onClientsChanged: watch });
    const control: ControlServer = await serveControl(join(config.data, 'roundabout.sock'), commands);
    this.#closers.push(() => control.close());
    this.#listenToSignals(plane);
    this.#announce(plane, { admin, demoSecret });
    await this.#writeReadyFile(plane, admin);
  }

  /** Undoes what start() did, the last first. */
  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }

  #readSettings(): Settings {
    const { configFile, dataFolder } = this.#options;
    const reading = readSettings(configFile, { env: process.env, dataOverride: dataFolder });
    if (!reading.ok) throw new StartFault(2, reading.faults.map(formatFault));
    return reading.settings;
  }

  #buildPools(settings: Settings): readonly Pool[] {
    const { pools, faults } = settings.build(this.#demoExits);
    if (faults.length > 0) throw new StartFault(2, faults.map(formatFault));
    return pools;
  }

  /** Starts the demo's exits and, at the first start of all, makes its client: for this machine only, since its secret is
   *  printed. Returns that secret, or null later. */
  async #startDemo(counts: DemoCounts, clients: Clients): Promise<string | null> {
    const { config } = this.#settings;
    const certificate = await ensureSelfSigned(
      config.data,
      config.listeners.map(({ host }) => host),
      Date.now(),
    );
    const demo = await startDemo({ ...counts, seed: 1, certificate });
    this.#closers.push(() => demo.close());
    this.#demo = demo;
    this.#demoExits = demo.exits.map((exit) => ({ ...exit, ca: certificate.cert }));
    if (clients.listClients().length > 0) return null;
    return clients.addClient({ name: 'demo', allowIp: ['127.0.0.0/8', '::1/128'] }).secret;
  }

  async #startAdmin({ admin }: Config, health: () => ReturnType<typeof healthOf>): Promise<HealthServer> {
    const server = await startHealthServer({ ...admin, state: health }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StartFault(1, [`admin: cannot listen on ${admin.host}:${admin.port}: ${why}`], { cause });
    });
    this.#closers.push(() => server.close());
    return server;
  }

  /** Watches for clients changed by another process, and for memory running out. Returns what takes over the clients now. */
  #watch(plane: DataPlane, { store, clients }: { store: Store; clients: Clients }): () => void {
    let seen = store.dataVersion();
    let broken = false;
    const take = (): void => {
      try {
        const version = store.dataVersion();
        if (version !== seen) plane.setClients(clients.snapshotClients());
        seen = version;
        broken = false;
      } catch (cause) {
        // Traffic goes on by what is known; it is said once, not at every look.
        if (!broken)
          warn(`the store can't be read, clients stay as they are: ${cause instanceof Error ? cause.message : cause}`);
        broken = true;
      }
    };
    const { memoryBytes } = this.#settings.config.limits;
    const timer = setInterval(() => {
      take();
      plane.memoryFull = memoryBytes !== null && process.memoryUsage.rss() > memoryBytes;
    }, WATCH_MS);
    this.#closers.push(() => clearInterval(timer));
    return take;
  }

  #listenToSignals(plane: DataPlane): void {
    const stop = (): void => void this.#stop(plane);
    const reload = pacedReloads(() => this.#reload(plane));
    process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
    this.#closers.push(() => process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reload));
    // Exchanges share nothing that a fault in one of them could leave half-done, so one message must not end all others.
    const survive = (fault: unknown): void => plane.tellFault('?', fault);
    process.on('uncaughtException', survive).on('unhandledRejection', survive);
    this.#closers.push(() => process.off('uncaughtException', survive).off('unhandledRejection', survive));
  }

  /** A second signal doesn't wait for the drain. */
  async #stop(plane: DataPlane): Promise<void> {
    if (this.#stopping) process.exit(1);
    this.#stopping = true;
    const { drain } = this.#settings.config.timeouts;
    warn(`draining: no new exchanges, those under way have ${drain / 1000} s`);
    await plane.stop(drain);
    await this.close();
    if (this.#options.readyFile !== undefined) rmSync(this.#options.readyFile, { force: true });
    this.#resolveStopped(0);
  }

  async #reload(plane: DataPlane): Promise<void> {
    if (this.#stopping) return;
    try {
      const settings = this.#readSettings();
      await plane.reload(settings.config, this.#buildPools(settings));
      for (const warning of settings.warnings) warn(formatFault(warning));
      for (const key of LATER) {
        if (JSON.stringify(settings.config[key]) === JSON.stringify(this.#settings.config[key])) continue;
        warn(`${key}: the change takes effect at the next start`);
      }
      this.#settings = settings;
      warn('config, pools and certificates are read again');
      await this.#log?.reopen().catch((cause: unknown) => warn(`the access log goes on in its old file: ${cause}`));
    } catch (fault) {
      const lines = fault instanceof StartFault ? fault.lines : [String(fault)];
      warn('reload refused, everything stays as it was:');
      lines.forEach(warn);
    }
  }

  #announce(plane: DataPlane, { admin, demoSecret }: { admin: HealthServer; demoSecret: string | null }): void {
    const { config } = this.#settings;
    const bound = new Map(plane.listeners.bound.map((listener) => [listener.name, listener]));
    const lines = bannerLines({
      version,
      pid: process.pid,
      listeners: config.listeners.map(({ name, host, port, protocols }) => ({
        name,
        host,
        port: bound.get(name)?.port ?? port,
        protocols,
      })),
      admin: { host: config.admin.host, port: admin.port },
      pools: plane.registry.pools().map(({ name, tier, exits }) => ({ name, tier, exits: exits.length })),
      demo: this.#demo?.origins ?? null,
      demoSecret,
      certificate: join(config.data, 'certificate.pem'),
    });
    lines.forEach(say);
  }

  /** Appears whole or not at all. */
  async #writeReadyFile(plane: DataPlane, admin: HealthServer): Promise<void> {
    const { readyFile } = this.#options;
    if (readyFile === undefined) return;
    const listeners = Object.fromEntries(plane.listeners.bound.map(({ name, host, port }) => [name, { host, port }]));
    const ready = { pid: process.pid, listeners, admin: { host: this.#settings.config.admin.host, port: admin.port } };
    await writeFile(`${readyFile}.new`, `${JSON.stringify(ready)}\n`);
    await rename(`${readyFile}.new`, readyFile);
  }
}
