import { createHmac, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Collaborators, GatewaySettings } from '../gateway/collaborators.ts';
import type { ExitLink } from '../gateway/exit-link.ts';
import { FilterRings } from '../gateway/filter-rings.ts';
import { VerifiedLogins } from '../gateway/verified-logins.ts';
import { ExitRows } from '../memory/exit-rows.ts';
import { GroupTable } from '../memory/group-table.ts';
import { PairTable } from '../memory/pair-table.ts';
import { SiteTable } from '../memory/site-table.ts';
import { AddressRules } from '../policy/address-rules.ts';
import { ClientDirectory, type ClientRecord } from '../policy/client-directory.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import type { Exit, Pool } from '../pool/exit.ts';
import { PoolRegistry } from '../pool/registry.ts';
import { RejectionLedger } from '../selection/blame.ts';
import { LeaseTable } from '../selection/leases.ts';
import { Selection } from '../selection/selection.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import { Counters } from '../telemetry/counters.ts';
import { createDialler, type Dialler } from '../transport/dial.ts';
import { HostsFile } from '../transport/hosts-file.ts';
import { KeptConnections } from '../transport/kept-connections.ts';
import { createResolver, type Resolver } from '../transport/resolver.ts';
import { accessRecordOf } from './booking.ts';
import type { Capacity } from './capacity.ts';
import { Listeners } from './listeners.ts';
import { SiteIndex } from './site-index.ts';

/** How many leases one sweep looks at, and how often, in ms. */
const SWEEP_LEASES = 20_000;
const SWEEP_MS = 1_000;

/** After so many sweeps the machine's own addresses are looked up again: interfaces come and go. */
const SWEEPS_PER_LOOK = 30;

/** Faults of our own that are told in full. */
const MOST_FAULTS = 100;

/** One query for a name may take so long, in ms. */
const NAME_QUERY_MS = 5_000;

export interface DataPlaneOptions {
  readonly config: Config;
  readonly pools: readonly Pool[];
  readonly clients: readonly ClientRecord[];
  /** The keyed hash of a client's secret. */
  readonly hashSecret: (secret: string) => Buffer;
  /** Keys the names of sessions; fresh or kept, but secret. */
  readonly sessionSecret: Buffer;
  readonly capacity: Capacity;
  readonly log: AccessLog | null;
  readonly warn: (line: string) => void;
}

/** Everything that carries traffic: listeners, policy, selection, exits. The control side starts it, hands it new config, pools
 *  and clients as whole values, reads its figures, and stops it. */
export class DataPlane {
  readonly registry = new PoolRegistry();
  readonly exits = new ExitRows(ExitRows.allocate());
  readonly leases = new LeaseTable();
  readonly counters = new Counters();
  readonly listeners: Listeners;
  readonly #options: DataPlaneOptions;
  readonly #sockets = new Set<Socket>();
  readonly #resolver: Resolver;
  readonly #hosts: HostsFile;
  readonly #groups = new GroupTable(GroupTable.allocate());
  readonly #sites = new SiteTable(SiteTable.allocate());
  readonly #pairs = new PairTable(PairTable.allocate());
  readonly #siteIndex: SiteIndex;
  #selection: Selection;
  #ownPorts: ReadonlySet<number> = new Set();
  readonly #dialler: Dialler;
  readonly #kept: KeptConnections<ExitLink>;
  readonly #sweeper: NodeJS.Timeout;
  #config: Config;
  #settings: GatewaySettings;
  #clients: readonly ClientRecord[];
  #directory: ClientDirectory;
  #rules: AddressRules;
  #admin: { readonly host: string; readonly port: number };
  #phase: 'starting' | 'serving' | 'draining' = 'starting';
  readonly #toldFaults = new Set<string>();
  #memoryFull = false;
  #sweeps = 0;
  #refused = 0;

  constructor(options: DataPlaneOptions) {
    const { config, capacity } = options;
    this.#options = options;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#selection = this.#selectionOf(config);
    this.#siteIndex = new SiteIndex(this.#sites, { secret: options.sessionSecret, siteOf: (host) => host });
    this.#admin = config.admin;
    this.#resolver = createResolver({
      now: monotonic,
      random: Math.random,
      servers: config.resolver.servers,
      hostsFile: config.resolver.hostsFile,
      timeoutMs: NAME_QUERY_MS,
    });
    this.#hosts = new HostsFile(config.resolver.hostsFile, monotonic);
    this.#dialler = createDialler({
      resolver: this.#resolver,
      mayLoop: (port) => this.#ownPorts.has(port),
    });
    this.#kept = new KeptConnections({ total: capacity.kept });
    this.#clients = options.clients;
    this.#directory = this.#directoryOf(options.clients);
    this.#applyPools(options.pools);
    this.listeners = new Listeners({
      gateway: this.#collaborators(),
      folder: config.data,
      sockets: this.#sockets,
      admit: (socket) => this.#admit(socket),
      warn: options.warn,
    });
    this.#rules = this.#rulesOf(config);
    this.#sweeper = setInterval(() => this.#tidy(), SWEEP_MS).unref();
  }

  /** Binds the listeners and serves. Throws StartFault, with everything bound so far closed again. */
  async start(): Promise<void> {
    await this.listeners.apply(this.#config);
    this.#rules = this.#rulesOf(this.#config);
    this.#phase = 'serving';
  }

  /** What picks exits now; another after a reload. */
  get selection(): Selection {
    return this.#selection;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Connections refused for want of room. */
  get refused(): number {
    return this.#refused;
  }

  get phase(): 'starting' | 'serving' | 'draining' {
    return this.#phase;
  }

  /** Whether new connections are being refused now. */
  get isFull(): boolean {
    return this.#memoryFull || this.#sockets.size >= this.#options.capacity.connections;
  }

  set memoryFull(full: boolean) {
    this.#memoryFull = full;
  }

  /** Where the admin listener was bound: no exchange may reach it. */
  set admin(bound: { readonly host: string; readonly port: number }) {
    this.#admin = bound;
    this.#rules = this.#rulesOf(this.#config);
  }

  /** Takes a new set of clients; the next request is judged by it. */
  setClients(clients: readonly ClientRecord[]): void {
    this.#clients = clients;
    this.#directory = this.#directoryOf(clients);
    // Idle links lead to addresses that were judged by the former rules.
    this.#kept.closeAll();
  }

  /** Takes a new config and new pools, whole or not at all: throws before anything has changed. Exchanges under way go on. */
  async reload(config: Config, pools: readonly Pool[]): Promise<void> {
    await this.listeners.apply(config);
    this.#applyPools(pools);
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#selection = this.#selectionOf(config);
    this.#rules = this.#rulesOf(config);
    // A login depends on its listener as well, and what was judged by the former ones must not stand.
    this.setClients(this.#clients);
  }

  /** Stops taking exchanges, waits until those under way have ended, but no longer than `drainMs`, and closes everything. */
  async stop(drainMs: number): Promise<void> {
    this.#phase = 'draining';
    clearInterval(this.#sweeper);
    const drained = this.listeners.drain();
    const timer = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
    await Promise.race([drained, timer]);
    for (const socket of this.#sockets) socket.destroy();
    this.#kept.closeAll();
    this.#resolver.close();
  }

  /** A loop, or want of room; null for a connection that may be served. */
  #admit(socket: Socket): GatewayError | null {
    if (this.isFull) {
      this.#refused++;
      // A refusal that is written needs its descriptor for a moment; beyond a few of them silence is all that can be afforded.
      if (this.#sockets.size >= this.#options.capacity.connections + 16) socket.destroy();
      return new GatewayError('overloaded', { detail: 'no room for another connection' });
    }
    return null;
  }

  #applyPools(pools: readonly Pool[]): void {
    const { added, removed } = this.registry.apply(pools);
    for (const slot of removed) this.exits.vacate(slot);
    for (const slot of added) {
      const exit = this.registry.exitAt(slot);
      if (exit !== undefined) this.exits.settle(slot, { group: this.#groupOf(exit), now: monotonic() });
    }
  }

  #groupOf({ pool, tier, geo }: Exit): number {
    const pricePerGB = this.registry.pool(pool)?.price?.perGB ?? 0;
    return this.#groups.rowOf(pool, geo.country ?? '', { tier: TIERS.indexOf(tier), pricePerGB });
  }

  #selectionOf({ selection }: Config): Selection {
    const tables = { rows: this.exits, groups: this.#groups, sites: this.#sites, pairs: this.#pairs };
    return new Selection(tables, { parameters: selection, random: Math.random });
  }

  #directoryOf(clients: readonly ClientRecord[]): ClientDirectory {
    return new ClientDirectory(clients, { hash: this.#options.hashSecret });
  }

  #rulesOf(config: Config): AddressRules {
    const local = Object.values(networkInterfaces()).flatMap((entries) =>
      (entries ?? []).map(({ address }) => address),
    );
    this.#ownPorts = new Set(this.listeners.bound.map(({ port }) => port));
    const own = { listeners: this.listeners.bound, admin: [this.#admin], local };
    return new AddressRules({ rules: config.rules, own, hosts: (name) => this.#hosts.addresses(name) });
  }

  /** Ends leases that are over, and now and then looks anew which addresses are this machine's. */
  #tidy(): void {
    this.leases.sweep(monotonic(), SWEEP_LEASES);
    this.#sweeps++;
    if (this.#sweeps % SWEEPS_PER_LOOK === 0 && this.#phase === 'serving') this.#rules = this.#rulesOf(this.#config);
  }

  /** A fault of our own is told once with its stack; the access log counts the others. */
  tellFault(id: string, fault: unknown): void {
    const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    if (this.#toldFaults.has(text) || this.#toldFaults.size >= MOST_FAULTS) return;
    this.#toldFaults.add(text);
    this.#options.warn(`unexpected fault in exchange ${id}: ${text}`);
  }

  #collaborators(): Collaborators {
    const { sessionSecret } = this.#options;
    const { logins } = this.#config.limits;
    const plane = this;
    return {
      now: monotonic,
      random: Math.random,
      newId: randomUUID,
      leaseKey: (client, session) =>
        createHmac('sha256', sessionSecret).update(`${client}\n${session}`).digest('base64url').slice(0, 22),
      settings: () => this.#settings,
      directory: () => this.#directory,
      rules: () => this.#rules,
      logins: new LoginLimits(logins),
      verified: new VerifiedLogins(),
      registry: this.registry,
      exits: this.exits,
      get selection() {
        return plane.#selection;
      },
      rings: new FilterRings(),
      siteRowOf: (host) => this.#siteIndex.rowOf(host, monotonic()),
      leases: this.leases,
      rejections: new RejectionLedger(),
      dialler: this.#dialler,
      kept: this.#kept,
      draining: () => this.#phase !== 'serving',
      begin: () => this.counters.begin(),
      book: (exchange) => {
        const record = accessRecordOf(exchange, { now: monotonic(), wallTime: Date.now() });
        this.counters.end(record);
        if (exchange.fault !== null) this.tellFault(exchange.id, exchange.fault);
        this.#options.log?.write(record);
      },
    };
  }
}

/** Tiers as selection numbers them. */
const TIERS: readonly string[] = ['dc', 'isp', 'res', 'mobile'];

const monotonic = (): number => performance.now();

/** What of the config an exchange needs. */
function settingsOf({ defaultPool, exchange, heads, exitErrors, timeouts, selection }: Config): GatewaySettings {
  return { defaultPool, ...exchange, holdStepMs: selection.holdStep, heads, exitErrors, timeouts };
}
