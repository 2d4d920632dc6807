import { GatewayError } from '../errors.ts';
import type { Collaborators } from '../gateway/collaborators.ts';
import { type ExitLink, linkWatch } from '../gateway/forwarding/exit-link.ts';
import type { RecentFinding, RecentQuery } from '../gateway/internal/recent-exchanges.ts';
import { applyReport, type ReportOutcome } from '../gateway/internal/report.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import type { IdEpochs } from '../memory/id-epochs.ts';
import type { LeaseTable } from '../memory/lease-table.ts';
import { OwnSockets } from '../memory/own-sockets.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { AppliedPools, PoolsRecord } from '../pool/catalogue.ts';
import { PoolRegistry } from '../pool/registry.ts';
import type { Report } from '../protocol/report.ts';
import type { SelectionTables } from '../selection/selection.ts';
import { FailureLedger } from '../signals/failure-ledger.ts';
import { VerdictLedger } from '../signals/verdict-ledger.ts';
import { Counters } from '../telemetry/counters.ts';
import { idEpochs } from '../threads/epoch-memory.ts';
import { workerLeases } from '../threads/lease-memory.ts';
import { type BoundListener, canShare, type ListenerPlan } from '../threads/listener-plan.ts';
import { selectionTables } from '../threads/selection-memory.ts';
import type { PassedConnection } from '../threads/worker-messages.ts';
import { ConnectionsByAge } from '../transport/connections-by-age.ts';
import { descriptorOf } from '../transport/descriptor.ts';
import { createDialler, type Dialler } from '../transport/dial.ts';
import { HostsFile } from '../transport/hosts-file.ts';
import { KeptConnections } from '../transport/kept-connections.ts';
import type { OutsideCount, RelayHandle, RelayOptions } from '../transport/relay.ts';
import { resetSocket } from '../transport/reset-socket.ts';
import { createResolver, type Resolver } from '../transport/resolver.ts';
import { Roster } from '../transport/roster.ts';
import { scriptRelay } from '../transport/script-relay.ts';
import type { Socket } from '../transport/socket.ts';
import type { DataPlaneOptions } from './data-plane-options.ts';
import { createCollaborators } from './gateway-collaborators.ts';
import { InForce } from './in-force.ts';
import { Listeners } from './listeners.ts';
import { WorkerPlace } from './worker-place.ts';

/** The first octets of a client, and its login, may take so long before its place is given to another one, in ms. */
const UNPROVED_GRACE_MS = 500;

/** What was cut at the end of a drain, and the ends of idle links, may take so long until they are booked, in ms. */
const LAST_BOOKINGS_MS = 1_000;

/** One query for a name may take so long, in ms. */
const NAME_QUERY_MS = 5_000;

/** A plan that may come into use. Exactly one of `commit` and `abort` is called; see PreparedListeners. */
export interface PreparedPlan {
  /** Where each listener is bound, in the config's order. */
  readonly bound: readonly BoundListener[];
  commit(pools?: AppliedPools): Promise<void>;
  abort(): Promise<void>;
}

/** Everything that carries traffic in one worker: listeners, policy, selection, exits. The control thread hands it config, pools
 *  and clients as whole values, reads its figures, and stops it. */
export class DataPlane {
  readonly registry: PoolRegistry;
  readonly #tables: SelectionTables;
  readonly #leases: LeaseTable;
  readonly #epochs: IdEpochs;
  readonly #outside: OutsideCount = {
    begun: () => this.#load.openOutside(this.#options.worker),
    ended: () => this.#load.closeOutside(this.#options.worker),
  };
  readonly verdicts = new VerdictLedger();
  readonly failures = new FailureLedger();
  readonly #counters: Counters;
  readonly #listeners: Listeners;
  readonly #load: WorkerLoad;
  readonly #options: Omit<DataPlaneOptions, 'pools'>;
  readonly #sockets = new Roster<Socket>();
  readonly #unproved: ConnectionsByAge;
  readonly #resolver: Resolver;
  readonly #inForce: InForce;
  readonly #dialler: Dialler;
  readonly #kept: KeptConnections<ExitLink>;
  readonly #gateway: Collaborators;
  readonly #place: WorkerPlace;
  #draining = false;
  #stopped: Promise<void> | null = null;
  /** Resolved when exchanges under way have had their time. */
  readonly #drained = Promise.withResolvers<void>();
  #onBooking: (() => void) | null = null;

  constructor(options: DataPlaneOptions) {
    const { pools, ...own } = options;
    const { config, capacity, memory, worker, now } = own;
    this.#options = own;
    this.#unproved = new ConnectionsByAge(now);
    this.#load = new WorkerLoad(new AtomicWords(memory.load));
    this.#counters = Counters.of(memory.counters, worker);
    this.#leases = workerLeases(memory.leases, worker);
    this.#tables = selectionTables(memory.selection);
    this.#resolver = createResolver({
      now,
      random: Math.random,
      servers: config.resolver.servers,
      hostsFile: config.resolver.hostsFile,
      timeoutMs: NAME_QUERY_MS,
    });
    this.#inForce = new InForce({
      ...own,
      tables: this.#tables,
      hosts: new HostsFile(config.resolver.hostsFile, now),
    });
    this.#dialler = createDialler({
      sockets: options.sockets,
      resolver: this.#resolver,
      buffers: options.relay.waits ?? undefined,
      own: new OwnSockets({ words: new AtomicWords(memory.ownSockets), worker, seed: memory.ownSocketsSeed }),
      mayLoop: (port) => this.#inForce.isOwnPort(port),
    });
    this.#place = new WorkerPlace({
      ...own,
      load: this.#load,
      addon: options.relay.addon,
      most: capacity.connections,
      keptLinks: capacity.kept,
      listeners: () => this.#listeners.descriptors,
    });
    this.#kept = new KeptConnections({ total: this.#place.keptShare, watch: linkWatch });
    this.#epochs = idEpochs(memory.epochs, this.#tables.rows);
    const epochOf = (slot: number) => this.#epochs.epochOf(slot);
    this.registry = new PoolRegistry(pools.record, { wantList: options.wantList, epochOf });
    this.#gateway = this.#collaborators();
    this.#listeners = new Listeners({
      gateway: this.#gateway,
      network: options.sockets,
      sockets: this.#sockets,
      unproved: this.#unproved,
      admit: (socket, atRest) => this.#admit(socket, atRest),
      released: () => this.#load.close(worker),
      place: this.#place,
      shared: canShare(process.platform),
    });
  }

  /** Makes ready for `plan`, the first one or a reload: binds what is new. Throws StartFault, and then nothing has changed. With
   *  `commit` the next exchange goes by it and by `pools`, and those under way go on. */
  async prepare(plan: ListenerPlan): Promise<PreparedPlan> {
    const listeners = await this.#listeners.prepare(plan);
    const { bound, abort } = listeners;
    const commit = (pools?: AppliedPools): Promise<void> => {
      const left = listeners.commit();
      if (pools !== undefined) this.setPools(pools.record);
      this.#inForce.use(plan.config, bound);
      this.#kept.closeAll();
      return left;
    };
    return { bound, commit, abort };
  }

  /** Looks at what this worker has to do beside the others. To be called a few times a second, with how late that is, in ms. */
  look(lateMs: number): void {
    this.#place.look(lateMs);
    this.#gateway.limits.counts.giveBackUnused();
    this.#kept.limitTo(this.#place.keptShare);
  }

  /** Has booked what has passed just now in tunnels that rested: nobody has looked at them yet. */
  lookAtTunnels(): void {
    this.#gateway.resting.lookAtAll();
  }

  /** Takes an operator's report on an exchange. */
  report(report: Report, client: string | null): Promise<ReportOutcome> {
    return applyReport(this.#gateway, report, client);
  }

  /** Serves a connection that another worker accepted, if nobody has dropped it and its listener is in use here; false otherwise. */
  take({ to, ticket, listener: key, atRest }: PassedConnection): boolean {
    const { relay } = this.#options;
    const listener = this.#listeners.at(key);
    const descriptor = listener === undefined ? -1 : (relay.parking?.claim(ticket) ?? -1);
    if (descriptor < 0) return false;
    this.#load.met(to);
    listener?.take(descriptor, atRest);
    return true;
  }

  /** Takes another version of all pools; exchanges under way go on, over exits that have left as well. */
  setPools(pools: PoolsRecord): void {
    this.registry.take(pools);
    this.#kept.dropMatching((link) => !link.stands);
  }

  /** Takes a new set of clients; the next request is judged by it. */
  setClients(clients: readonly ClientRecord[]): void {
    this.#inForce.setClients(clients);
    // Links lead to addresses that were judged by the former rules.
    this.#kept.closeAll();
  }

  /** The certificate of this key changed. */
  setCertificate(key: string, pair: CertificatePair): void {
    this.#listeners.setCertificate(key, pair);
  }

  /** Stops taking exchanges, waits until those under way have ended, but no longer than `drainMs`, and closes everything. Called again
   *  it may only shorten the time. */
  stop(drainMs: number): Promise<void> {
    void within(drainMs).then(this.#drained.resolve);
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#draining = true;
    this.#inForce.close();
    const { native } = this.#options.relay;
    // A tunnel that was handed over has left its listener, but not the exchange.
    const ended = this.#listeners.drain().then(() => native?.settled());
    await Promise.race([ended, this.#drained.promise]);
    // Each has an exchange under way: what its client has so far must not look whole.
    for (const socket of this.#sockets.members()) resetSocket(socket);
    native?.cutAll();
    await Promise.race([this.#booked(), within(LAST_BOOKINGS_MS)]);
    this.#kept.closeAll();
    await Promise.race([this.#kept.closed(), within(LAST_BOOKINGS_MS)]);
    this.#resolver.close();
  }

  /** Resolves once every exchange that began is booked. */
  #booked(): Promise<void> {
    if (this.#counters.running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onBooking = () => this.#counters.running === 0 && resolve();
    });
  }

  /** Counts a connection, and where there are too many closes one that has shown no login instead. Returns why it can't be served, or
   *  null: one at rest was admitted where it comes from, and is counted twice as yet. */
  #admit(socket: Socket, atRest: boolean): GatewayError | null {
    const { worker, capacity } = this.#options;
    const open = this.#load.open(worker);
    const { memoryFull } = this.#load;
    if (atRest || (open <= capacity.connections && !memoryFull)) return null;
    this.#counters.refuseConnection();
    // Were it always the new one that is refused, a few that say nothing would keep all clients away.
    if (!memoryFull && this.#unproved.closeOldest(UNPROVED_GRACE_MS)) return null;
    // A refusal that is written needs its descriptor for a moment; beyond a few of them silence is all that can be afforded.
    if (open > capacity.connections + capacity.refusals) socket.destroy();
    return new GatewayError('overloaded', { detail: 'no room for another connection' });
  }

  /** A socket by which a loop is known stays in JavaScript: it is known only while it is open here. A tunnel that has left
   *  JavaScript is still a connection. */
  #relay(a: Socket, b: Socket, options: RelayOptions): RelayHandle {
    const { relay: carrier } = this.#options;
    if (carrier.native === null || this.#dialler.mayLoop(b)) {
      const { mostUnreadB } = options;
      if (mostUnreadB !== undefined) carrier.waits?.bound(descriptorOf(b), mostUnreadB);
      return scriptRelay(a, b, options);
    }
    return carrier.native.relay(a, b, { ...options, outside: this.#outside });
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
    return createCollaborators({
      options: this.#options,
      inForce: this.#inForce,
      tables: this.#tables,
      registry: this.registry,
      epochs: this.#epochs,
      leases: this.#leases,
      verdicts: this.verdicts,
      failures: this.failures,
      dialler: this.#dialler,
      kept: this.#kept,
      counters: this.#counters,
      relay: (a, b, options) => this.#relay(a, b, options),
      draining: () => this.#draining,
      booked: () => this.#onBooking?.(),
    });
  }
}

const within = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
