import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Collaborators, GatewaySettings } from '../gateway/collaborators.ts';
import { ExchangeLimits } from '../gateway/exchange-limits.ts';
import { type ExitLink, linkWatch } from '../gateway/exit-link.ts';
import { FilterRings } from '../gateway/filter-rings.ts';
import { Flows } from '../gateway/flows.ts';
import type { Ledger } from '../gateway/ledger.ts';
import type { RecentFinding, RecentLookUp, RecentQuery } from '../gateway/recent-exchanges.ts';
import { applyReport, type ReportOutcome } from '../gateway/report.ts';
import { SitePacing } from '../gateway/site-pacing.ts';
import { StandingCounts } from '../gateway/standing-counts.ts';
import { VendorAccounts } from '../gateway/vendor-accounts.ts';
import { VerifiedLogins } from '../gateway/verified-logins.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import type { IdEpochs } from '../memory/id-epochs.ts';
import type { LeaseTable } from '../memory/lease-table.ts';
import { OwnSockets } from '../memory/own-sockets.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import { AddressRules } from '../policy/address-rules.ts';
import { ClientDirectory, type ClientRecord } from '../policy/client-directory.ts';
import { LimitCounts } from '../policy/limit-counts.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import type { AppliedPools, PoolsRecord } from '../pool/catalogue.ts';
import { type ExitFilter, PoolRegistry } from '../pool/registry.ts';
import type { Report } from '../protocol/report.ts';
import { RejectionLedger } from '../selection/blame.ts';
import { Selection, type SelectionTables } from '../selection/selection.ts';
import type { BlockRules } from '../signals/block-rules.ts';
import { FailureLedger } from '../signals/failure-ledger.ts';
import { VerdictLedger } from '../signals/verdict-ledger.ts';
import type { AccessRecord } from '../telemetry/access-record.ts';
import { Counters } from '../telemetry/counters.ts';
import { createDialler, type Dialler } from '../transport/dial.ts';
import { HostsFile } from '../transport/hosts-file.ts';
import { KeptConnections } from '../transport/kept-connections.ts';
import { type RelayHandle, type RelayOptions, type RelayOutcome, relay } from '../transport/relay.ts';
import { createResolver, type Resolver } from '../transport/resolver.ts';
import { Roster } from '../transport/roster.ts';
import { Balance } from './balance.ts';
import { accessRecordOf } from './booking.ts';
import type { Capacity } from './capacity.ts';
import { idEpochs } from './epoch-memory.ts';
import { settingsOf } from './gateway-settings.ts';
import { leaseKeyOf, workerLeases } from './lease-memory.ts';
import type { BoundListener, ListenerPlan } from './listener-plan.ts';
import { Listeners } from './listeners.ts';
import { createOperatorBars } from './operator-states.ts';
import { SelectionLearner } from './selection-learner.ts';
import { placesOf, selectionTables } from './selection-memory.ts';
import type { SharedMemory } from './shared-memory.ts';
import { blockRulesOf, createExitGuards, createSiteSignals } from './signals.ts';
import { SiteIndex } from './site-index.ts';
import type { TunnelRelay } from './tunnel-relay.ts';
import type { PassedConnection } from './worker-messages.ts';

/** How often the machine's own addresses are looked up again, in ms: interfaces come and go. */
const LOOK_MS = 30_000;

/** What was cut at the end of a drain may take so long until it is booked, in ms. */
const LAST_BOOKINGS_MS = 1_000;

/** One query for a name may take so long, in ms. */
const NAME_QUERY_MS = 5_000;

/** A plan that may come into use. Exactly one of `commit` and `abort` is called. */
export interface PreparedPlan {
  /** Where each listener is bound, in the config's order. */
  readonly bound: readonly BoundListener[];
  commit(pools?: AppliedPools): void;
  abort(): void;
}

export interface DataPlaneOptions {
  readonly config: Config;
  readonly pools: AppliedPools;
  readonly clients: readonly ClientRecord[];
  /** The keyed hash of a client's secret. */
  readonly hashSecret: (secret: string) => Buffer;
  /** Keys the names of sessions. Kept, so that they mean the same after a restart. */
  readonly sessionSecret: Uint8Array;
  /** When not all sessions came back from what was before; null where all did. */
  readonly sessionsLostSince: number | null;
  readonly capacity: Capacity;
  readonly relay: TunnelRelay;
  /** Finds recent exchanges in all threads. */
  readonly lookUp: RecentLookUp;
  /** Told of filters whose list all threads should have: see PoolRegistry. */
  readonly wantList: (filter: ExitFilter) => void;
  /** Hands a connection to the worker that it names. */
  readonly pass: (connection: PassedConnection) => void;
  /** Where the admin listener is bound: no exchange may reach it. */
  readonly admin: { readonly host: string; readonly port: number };
  /** What this worker shares with the others, the number of this one, and how many they are. */
  readonly memory: SharedMemory;
  readonly worker: number;
  readonly workers: number;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly log: { write(record: AccessRecord): void } | null;
  readonly ledger: Ledger;
  /** Tells a fault of our own in an exchange. */
  readonly tellFault: (id: string, fault: unknown) => void;
}

/** Everything that carries traffic in one worker: listeners, policy, selection, exits. The control thread hands it config, pools
 *  and clients as whole values, reads its figures, and stops it. */
export class DataPlane {
  readonly registry: PoolRegistry;
  readonly #tables: SelectionTables;
  readonly #leases: LeaseTable;
  readonly #epochs: IdEpochs;
  readonly verdicts = new VerdictLedger();
  readonly failures = new FailureLedger();
  readonly #counters: Counters;
  readonly #listeners: Listeners;
  readonly #load: WorkerLoad;
  readonly #options: Omit<DataPlaneOptions, 'pools'>;
  readonly #sockets = new Roster<Socket>();
  readonly #resolver: Resolver;
  readonly #hosts: HostsFile;
  #selection: Selection;
  #ownPorts: ReadonlySet<number> = new Set();
  readonly #dialler: Dialler;
  readonly #kept: KeptConnections<ExitLink>;
  readonly #looking: NodeJS.Timeout;
  readonly #gateway: Collaborators;
  #config: Config;
  #settings: GatewaySettings;
  #clients: readonly ClientRecord[];
  #directory: ClientDirectory;
  #rules: AddressRules;
  #blocks: BlockRules;
  #bound: readonly BoundListener[] = [];
  #draining = false;
  #onBooking: (() => void) | null = null;

  constructor(options: DataPlaneOptions) {
    const { pools, ...kept } = options;
    const { config, capacity, memory, worker, now } = kept;
    this.#options = kept;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#blocks = blockRulesOf(config);
    this.#load = new WorkerLoad(new AtomicWords(memory.load));
    this.#counters = Counters.of(memory.counters, worker);
    this.#leases = workerLeases(memory.leases, worker);
    this.#tables = selectionTables(memory.selection);
    this.#selection = this.#selectionOf(config);
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
    const total = Math.max(1, Math.floor(capacity.kept / options.workers));
    this.#kept = new KeptConnections({ total, watch: linkWatch });
    this.#clients = options.clients;
    this.#directory = this.#directoryOf(options.clients);
    this.#epochs = idEpochs(memory.epochs, this.#tables.rows);
    const epochOf = (slot: number) => this.#epochs.epochOf(slot);
    this.registry = new PoolRegistry(pools.record, { wantList: options.wantList, epochOf });
    this.#gateway = this.#collaborators();
    const { relay, pass, workers } = options;
    const { parking } = relay;
    const balance =
      parking === null || workers < 2 ? null : new Balance({ load: this.#load, worker, parking, now, pass });
    this.#listeners = new Listeners({
      gateway: this.#gateway,
      sockets: this.#sockets,
      admit: (socket) => this.#admit(socket),
      passOn: (socket, key) => balance?.passOn(socket, key) ?? false,
      shared: options.workers > 1,
    });
    this.#rules = this.#rulesOf(config);
    this.#looking = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Makes ready for `plan`, the first one or a reload: binds what is new. Throws StartFault, and then nothing has changed. With
   *  `commit` the next exchange goes by it and by `pools`, and those under way go on. */
  async prepare(plan: ListenerPlan): Promise<PreparedPlan> {
    const listeners = await this.#listeners.prepare(plan);
    const { bound, abort } = listeners;
    const commit = (pools?: AppliedPools): void => {
      listeners.commit();
      this.#bound = bound;
      if (pools !== undefined) this.setPools(pools.record);
      this.#use(plan.config);
    };
    return { bound, commit, abort };
  }

  /** Takes an operator's report on an exchange. */
  report(report: Report, client: string | null): Promise<ReportOutcome> {
    return applyReport(this.#gateway, report, client);
  }

  /** Serves a connection that another worker accepted, if nobody has dropped it and its listener is still here; whoever asked drops
   *  it otherwise. */
  take({ ticket, listener: key }: PassedConnection): void {
    const { relay, worker } = this.#options;
    const listener = this.#listeners.at(key);
    const descriptor = listener === undefined ? -1 : (relay.parking?.claim(ticket) ?? -1);
    if (descriptor < 0) return;
    this.#load.met(worker);
    listener?.take(descriptor);
  }

  /** Takes another version of all pools; exchanges under way go on, over exits that have left as well. */
  setPools(pools: PoolsRecord): void {
    this.registry.take(pools);
    this.#kept.dropMatching((link) => !link.stands);
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

  /** Stops taking exchanges, waits until those under way have ended, but no longer than `drainMs`, and closes everything. */
  async stop(drainMs: number): Promise<void> {
    this.#draining = true;
    clearInterval(this.#looking);
    const { native } = this.#options.relay;
    // A tunnel that was handed over has left its listener, but not the exchange.
    const drained = this.#listeners.drain().then(() => native?.settled());
    await Promise.race([drained, within(drainMs)]);
    for (const socket of this.#sockets.members()) socket.destroy();
    native?.cutAll();
    await Promise.race([this.#booked(), within(LAST_BOOKINGS_MS)]);
    this.#kept.closeAll();
    this.#resolver.close();
  }

  /** Resolves once every exchange that began is booked. */
  #booked(): Promise<void> {
    if (this.#counters.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onBooking = () => this.#counters.running === 0 && resolve();
    });
  }

  /** Counts a connection. Returns why it can't be served, or null. */
  #admit(socket: Socket): GatewayError | null {
    const { worker, capacity } = this.#options;
    const open = this.#load.open(worker);
    socket.once('close', () => this.#load.close(worker));
    if (open <= capacity.connections && !this.#load.memoryFull) return null;
    this.#counters.refuseConnection();
    // A refusal that is written needs its descriptor for a moment; beyond a few of them silence is all that can be afforded.
    if (open > capacity.connections + capacity.refusals) socket.destroy();
    return new GatewayError('overloaded', { detail: 'no room for another connection' });
  }

  #use(config: Config): void {
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#blocks = blockRulesOf(config);
    this.#selection = this.#selectionOf(config);
    this.#rules = this.#rulesOf(config);
    // A login depends on its listener as well, and what was judged by the former ones must not stand.
    this.setClients(this.#clients);
  }

  #selectionOf({ selection }: Config): Selection {
    return new Selection(this.#tables, { parameters: selection, random: Math.random });
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

  #look(): void {
    if (!this.#draining) this.#rules = this.#rulesOf(this.#config);
  }

  /** A socket by which a loop is known stays in JavaScript: it is known only while it is open here. A tunnel that has left
   *  JavaScript is still a connection. */
  #relay(a: Socket, b: Socket, options: RelayOptions): RelayHandle {
    const { relay: carrier, worker } = this.#options;
    if (carrier.native === null || this.#dialler.mayLoop(b)) return relay(a, b, options);
    let left = false;
    // Of the options nothing else stays for as long as the tunnel: its first octets lie in large buffers.
    const { onEnd: tell } = options;
    const onEnd = (outcome: RelayOutcome): void => {
      if (left) this.#load.close(worker);
      tell(outcome);
    };
    const handle = carrier.native.relay(a, b, { ...options, onEnd });
    left = a.destroyed;
    if (left) this.#load.open(worker);
    return handle;
  }

  /** What `query` names among the exchanges of this thread. */
  findRecent(query: RecentQuery): RecentFinding {
    return this.#gateway.signals.recent.find(query, this.#options.now());
  }

  /** Marks an exchange of this thread as reported. */
  claimRecent(id: string): boolean {
    return this.#gateway.signals.recent.claim(id, this.#options.now());
  }

  #collaborators(): Collaborators {
    const { sessionSecret, sessionsLostSince, memory, worker, now, tellFault, log, ledger, lookUp } = this.#options;
    const { logins, reports } = this.#config.limits;
    const { rows, sites } = this.#tables;
    const rings = new FilterRings();
    const counts = new LimitCounts(memory.limits, worker);
    const index = new SiteIndex(sites, sessionSecret);
    const siteRowOf = (site: string) => index.rowOf(site, now());
    const selection = () => this.#selection;
    const { registry, verdicts } = this;
    const signals = createSiteSignals({
      blocks: () => this.#blocks,
      learner: new SelectionLearner({ selection, verdicts, registry, rings, siteRowOf, now }),
      lookUp,
      reports: new ReportLimits(reports, memory.reports),
    });
    return {
      now,
      random: Math.random,
      newId: randomUUID,
      leaseKey: (client, session) => leaseKeyOf(sessionSecret, { client, session }),
      settings: () => this.#settings,
      directory: () => this.#directory,
      rules: () => this.#rules,
      logins: new LoginLimits(logins, memory.logins),
      verified: new VerifiedLogins(),
      registry: this.registry,
      exits: rows,
      epochs: this.#epochs,
      selection,
      places: placesOf(memory.selection, rows, worker),
      rings,
      siteRowOf,
      leases: this.#leases,
      mayBeLost: (lastsMs) => sessionsLostSince !== null && now() - sessionsLostSince < lastsMs,
      rejections: new RejectionLedger(),
      dialler: this.#dialler,
      kept: this.#kept,
      relay: (a, b, options) => this.#relay(a, b, options),
      signals,
      guards: createExitGuards({
        words: new AtomicWords(memory.guards),
        sites: signals.sites,
        secret: sessionSecret,
        generationOf: (slot) => this.registry.generationOf(slot),
        rules: () => this.#config.guards,
      }),
      flows: new Flows({ counts, now }),
      pacing: new SitePacing({ counts, rules: () => this.#config.sitePacing, now }),
      exitMost: () => this.#config.exitLimits,
      accounts: new VendorAccounts({ registry, counts, now }),
      limits: new ExchangeLimits({
        counts,
        everyone: () => this.#config.clientLimits,
        now,
      }),
      bars: createOperatorBars(memory, { registry, sites: signals.sites, secret: sessionSecret }),
      failures: this.failures,
      ledger,
      standings: new StandingCounts({ registry, exits: rows, now }),
      draining: () => this.#draining,
      begin: () => this.#counters.begin(),
      book: (exchange) => {
        const record = accessRecordOf(exchange, { now: now(), wallTime: Date.now() });
        const pool = record.pool === null ? undefined : this.registry.pool(record.pool)?.number;
        this.#counters.end({ mode: exchange.mode, pool }, record);
        if (exchange.fault !== null) tellFault(exchange.id, exchange.fault);
        log?.write(record);
        ledger.ended(exchange);
        this.#onBooking?.();
      },
    };
  }
}

const within = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
