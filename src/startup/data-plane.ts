import { createHmac, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Collaborators, GatewaySettings } from '../gateway/collaborators.ts';
import type { ExitLink } from '../gateway/exit-link.ts';
import { VerifiedLogins } from '../gateway/verified-logins.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import { OwnSockets } from '../memory/own-sockets.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import { AddressRules } from '../policy/address-rules.ts';
import { ClientDirectory, type ClientRecord } from '../policy/client-directory.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import type { Pool } from '../pool/exit.ts';
import { PoolRegistry } from '../pool/registry.ts';
import { RejectionLedger } from '../selection/blame.ts';
import { ExitTable } from '../selection/exit-table.ts';
import { LeaseTable } from '../selection/leases.ts';
import type { AccessRecord } from '../telemetry/access-record.ts';
import { Counters } from '../telemetry/counters.ts';
import { createDialler, type Dialler } from '../transport/dial.ts';
import { HostsFile } from '../transport/hosts-file.ts';
import { KeptConnections } from '../transport/kept-connections.ts';
import { createResolver, type Resolver } from '../transport/resolver.ts';
import { accessRecordOf } from './booking.ts';
import type { Capacity } from './capacity.ts';
import { type ExitFigures, figuresOf } from './exit-figures.ts';
import type { BoundListener, ListenerPlan } from './listener-plan.ts';
import { Listeners } from './listeners.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How many leases one sweep looks at, and how often, in ms. */
const SWEEP_LEASES = 20_000;
const SWEEP_MS = 1_000;

/** After so many sweeps the machine's own addresses are looked up again: interfaces come and go. */
const SWEEPS_PER_LOOK = 30;

/** One query for a name may take so long, in ms. */
const NAME_QUERY_MS = 5_000;

/** All that a data plane works by, as plain values that can go to another thread. A reload brings it anew, as a whole. */
export interface Plan extends ListenerPlan {
  readonly pools: readonly Pool[];
}

/** A plan that may come into use. Exactly one of `commit` and `abort` is called. */
export interface PreparedPlan {
  /** Where each listener is bound, in the config's order. */
  readonly bound: readonly BoundListener[];
  commit(): void;
  abort(): void;
}

export interface DataPlaneOptions {
  readonly config: Config;
  readonly pools: readonly Pool[];
  readonly clients: readonly ClientRecord[];
  /** The keyed hash of a client's secret. */
  readonly hashSecret: (secret: string) => Buffer;
  /** Keys the names of sessions; fresh or kept, but secret. */
  readonly sessionSecret: Uint8Array;
  readonly capacity: Capacity;
  /** Where the admin listener is bound: no exchange may reach it. */
  readonly admin: { readonly host: string; readonly port: number };
  /** What this worker shares with the others, the number of this one, and how many they are. */
  readonly memory: SharedMemory;
  readonly worker: number;
  readonly workers: number;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly log: { write(record: AccessRecord): void } | null;
  /** Tells a fault of our own in an exchange. */
  readonly tellFault: (id: string, fault: unknown) => void;
}

/** Everything that carries traffic in one worker: listeners, policy, selection, exits. The control thread hands it config, pools
 *  and clients as whole values, reads its figures, and stops it. */
export class DataPlane {
  readonly registry = new PoolRegistry();
  readonly exits = new ExitTable();
  readonly leases = new LeaseTable();
  readonly #counters: Counters;
  readonly #listeners: Listeners;
  readonly #load: WorkerLoad;
  readonly #options: DataPlaneOptions;
  readonly #sockets = new Set<Socket>();
  readonly #resolver: Resolver;
  readonly #hosts: HostsFile;
  #ownPorts: ReadonlySet<number> = new Set();
  readonly #dialler: Dialler;
  readonly #kept: KeptConnections<ExitLink>;
  readonly #sweeper: NodeJS.Timeout;
  #config: Config;
  #settings: GatewaySettings;
  #clients: readonly ClientRecord[];
  #directory: ClientDirectory;
  #rules: AddressRules;
  #bound: readonly BoundListener[] = [];
  #draining = false;
  #sweeps = 0;

  constructor(options: DataPlaneOptions) {
    const { config, capacity, memory, worker, now } = options;
    this.#options = options;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#load = new WorkerLoad(new AtomicWords(memory.load));
    this.#counters = Counters.overAll(memory.counters)[worker] ?? new Counters();
    this.#resolver = createResolver({
      now,
      random: Math.random,
      servers: config.resolver.servers,
      hostsFile: config.resolver.hostsFile,
      timeoutMs: NAME_QUERY_MS,
    });
    this.#hosts = new HostsFile(config.resolver.hostsFile, now);
    this.#dialler = createDialler({
      resolver: this.#resolver,
      own: new OwnSockets({ words: new AtomicWords(memory.ownSockets), worker, seed: memory.ownSocketsSeed }),
      mayLoop: (port) => this.#ownPorts.has(port),
    });
    this.#kept = new KeptConnections({ total: Math.max(1, Math.floor(capacity.kept / options.workers)) });
    this.#clients = options.clients;
    this.#directory = this.#directoryOf(options.clients);
    this.#applyPools(options.pools);
    this.#listeners = new Listeners({
      gateway: this.#collaborators(),
      sockets: this.#sockets,
      admit: (socket) => this.#admit(socket),
      shared: options.workers > 1,
    });
    this.#rules = this.#rulesOf(config);
    this.#sweeper = setInterval(() => this.#tidy(), SWEEP_MS).unref();
  }

  /** Makes ready for `plan`, the first one or a reload: binds what is new. Throws StartFault, and then nothing has changed. With
   *  `commit` the next exchange goes by it, and those under way go on. */
  async prepare(plan: Plan): Promise<PreparedPlan> {
    const listeners = await this.#listeners.prepare(plan);
    const { bound, abort } = listeners;
    const commit = (): void => {
      listeners.commit();
      this.#bound = bound;
      this.#use(plan);
    };
    return { bound, commit, abort };
  }

  /** Takes a new set of clients; the next request is judged by it. */
  setClients(clients: readonly ClientRecord[]): void {
    this.#clients = clients;
    this.#directory = this.#directoryOf(clients);
    // Idle links lead to addresses that were judged by the former rules.
    this.#kept.closeAll();
  }

  /** The certificate of this key changed. */
  setCertificate(key: string, pair: CertificatePair): void {
    this.#listeners.setCertificate(key, pair);
  }

  /** What this worker knows of every exit. */
  exitFigures(): readonly ExitFigures[] {
    return figuresOf(this.registry, this.exits, this.#options.now());
  }

  /** Stops taking exchanges, waits until those under way have ended, but no longer than `drainMs`, and closes everything. */
  async stop(drainMs: number): Promise<void> {
    this.#draining = true;
    clearInterval(this.#sweeper);
    const drained = this.#listeners.drain();
    const timer = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
    await Promise.race([drained, timer]);
    for (const socket of this.#sockets) socket.destroy();
    this.#kept.closeAll();
    this.#resolver.close();
  }

  /** Counts a connection. Returns why it can't be served, or null. */
  #admit(socket: Socket): GatewayError | null {
    const { worker, capacity } = this.#options;
    const open = this.#load.open(worker);
    socket.once('close', () => this.#load.close(worker));
    if (open <= capacity.connections && !this.#load.memoryFull) return null;
    this.#load.refuse(worker);
    // A refusal that is written needs its descriptor for a moment; beyond a few of them silence is all that can be afforded.
    if (open > capacity.connections + 16) socket.destroy();
    return new GatewayError('overloaded', { detail: 'no room for another connection' });
  }

  #use({ config, pools }: Plan): void {
    this.#applyPools(pools);
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#rules = this.#rulesOf(config);
    // A login depends on its listener as well, and what was judged by the former ones must not stand.
    this.setClients(this.#clients);
  }

  #applyPools(pools: readonly Pool[]): void {
    for (const slot of this.registry.apply(pools).added) this.exits.reset(slot);
  }

  #directoryOf(clients: readonly ClientRecord[]): ClientDirectory {
    return new ClientDirectory(clients, { hash: this.#options.hashSecret });
  }

  #rulesOf(config: Config): AddressRules {
    const local = Object.values(networkInterfaces()).flatMap((entries) =>
      (entries ?? []).map(({ address }) => address),
    );
    this.#ownPorts = new Set(this.#bound.map(({ port }) => port));
    const own = { listeners: this.#bound, admin: [this.#options.admin], local };
    return new AddressRules({ rules: config.rules, own, hosts: (name) => this.#hosts.addresses(name) });
  }

  /** Ends leases that are over, and now and then looks anew which addresses are this machine's. */
  #tidy(): void {
    this.leases.sweep(this.#options.now(), SWEEP_LEASES);
    this.#sweeps++;
    if (this.#sweeps % SWEEPS_PER_LOOK !== 0 || this.#draining) return;
    this.#rules = this.#rulesOf(this.#config);
  }

  #collaborators(): Collaborators {
    const { sessionSecret, memory, now, tellFault, log } = this.#options;
    const { logins } = this.#config.limits;
    return {
      now,
      random: Math.random,
      newId: randomUUID,
      leaseKey: (client, session) =>
        createHmac('sha256', sessionSecret).update(`${client}\n${session}`).digest('base64url').slice(0, 22),
      settings: () => this.#settings,
      directory: () => this.#directory,
      rules: () => this.#rules,
      logins: new LoginLimits(logins, memory.logins),
      verified: new VerifiedLogins(),
      registry: this.registry,
      exits: this.exits,
      leases: this.leases,
      rejections: new RejectionLedger(),
      dialler: this.#dialler,
      kept: this.#kept,
      draining: () => this.#draining,
      begin: () => this.#counters.begin(),
      book: (exchange) => {
        const record = accessRecordOf(exchange, { now: now(), wallTime: Date.now() });
        this.#counters.end(record);
        if (exchange.fault !== null) tellFault(exchange.id, exchange.fault);
        log?.write(record);
      },
    };
  }
}

/** What of the config an exchange needs. */
function settingsOf({ defaultPool, exchange, heads, exitErrors, timeouts }: Config): GatewaySettings {
  return { defaultPool, ...exchange, heads, exitErrors, timeouts };
}
