import type { Health } from '../admin/health.ts';
import type { Config } from '../config/config.ts';
import type { ReportOutcome } from '../gateway/internal/report.ts';
import type { CertificatePair } from '../listener/certificate.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { AppliedPools } from '../pool/catalogue.ts';
import type { Report } from '../protocol/report.ts';
import type { FailedAttempt } from '../signals/failure-ledger.ts';
import type { JudgedExit } from '../signals/verdict-ledger.ts';
import { LineCollector } from '../telemetry/line-collector.ts';
import type { CertificatePairs } from '../threads/certificates.ts';
import { assertFree, type BoundListener, type BoundPorts, portsOf } from '../threads/listener-plan.ts';
import { releaseWorker } from '../threads/shared-memory.ts';
import { asStartFault } from '../threads/start-fault.ts';
import { BudgetUpkeep } from './budget-upkeep.ts';
import { Front } from './front.ts';
import { LeftTunnels } from './left-tunnels.ts';
import { Recoveries } from './recoveries.ts';
import { Turns } from './turns.ts';
import { WorkerFigures } from './worker-figures.ts';
import type { Reload, WorkerGroupOptions } from './worker-group-options.ts';
import { WorkerEnded, WorkerThread } from './worker-thread.ts';
import { ANSWER_MS, WorkerThreads } from './worker-threads.ts';
import { WorkerWatch } from './worker-watch.ts';

/** The data plane as the control thread sees it: all workers as one. What changes for them changes in one turn after another. */
export class WorkerGroup {
  readonly figures: WorkerFigures;
  readonly left: LeftTunnels;
  readonly #options: WorkerGroupOptions;
  readonly #load: WorkerLoad;
  readonly #lines: LineCollector;
  readonly #threads: WorkerThreads;
  readonly #turns = new Turns();
  readonly #recoveries: Recoveries;
  readonly #upkeep: BudgetUpkeep;
  readonly #front: Front;
  readonly #watch: WorkerWatch;
  #config: Config;
  #pools: AppliedPools;
  #certificates: CertificatePairs;
  #ports: BoundPorts = new Map();
  #bound: readonly BoundListener[] = [];
  #clients: readonly ClientRecord[];
  #phase: 'starting' | 'serving' | 'draining' = 'starting';
  #stopped: Promise<void> | null = null;

  constructor(options: WorkerGroupOptions) {
    const { start, config, pools, shared, now } = options;
    this.#options = options;
    this.#config = config;
    this.#pools = pools;
    this.#clients = options.clients;
    this.#certificates = options.certificates;
    this.#load = new WorkerLoad(new AtomicWords(start.memory.load));
    this.#threads = new WorkerThreads({ ...options, dropped: (worker) => this.#load.met(worker) });
    this.figures = new WorkerFigures(start.memory.counters, (worker) => this.#threads.at(worker)?.loop);
    this.#lines = new LineCollector(start.memory.logs, (lines) => options.log?.writeLines(lines));
    this.#recoveries = new Recoveries(now, (worker) => void this.#turns.take(() => this.#replace(worker)));
    this.#upkeep = new BudgetUpkeep({ config, memory: start.memory, limits: shared.limits, now });
    this.left = new LeftTunnels({ ...options, config: () => this.#config, clients: () => this.#clients });
    this.#front = new Front({ ...options, load: this.#load, workers: start.workers });
    this.#watch = new WorkerWatch({ ...options, load: this.#load, front: this.#front, threads: this.#threads });
  }

  /** Starts all workers and serves. Throws StartFault; `stop` then takes away what was started. */
  async start(): Promise<void> {
    await this.#turns.take(async () => {
      const numbers = Array.from({ length: this.#options.start.workers }, (_, worker) => worker);
      await assertFree(this.#config, { bound: this.#bound, ports: this.#ports });
      const threads = numbers.map((worker) => this.#spawn(worker));
      for (const [worker, thread] of threads.entries()) await this.#open(worker, thread).catch(asStartFault);
      if (this.#threads.size < threads.length) asStartFault('the others serve');
      this.#phase = 'serving';
    });
  }

  get phase(): 'starting' | 'serving' | 'draining' {
    return this.#phase;
  }

  /** Where each listener is bound, in the config's order. */
  get bound(): readonly BoundListener[] {
    return this.#bound;
  }

  /** By which it serves. */
  get config(): Config {
    return this.#config;
  }

  /** Clients' sockets. */
  get connections(): number {
    return this.#load.connections;
  }

  /** Whether new connections are being refused now. */
  get isFull(): boolean {
    return this.#load.memoryFull || this.#load.connections >= this.#options.start.capacity.connections;
  }

  set memoryFull(full: boolean) {
    this.#load.memoryFull = full;
  }

  /** How many workers there are now, how many of them stand in front, how many had to be replaced, which can't be ended, and each one's
   *  share of the connections. */
  get workers(): Health['workers'] {
    const { size: running, stuck } = this.#threads;
    const { count: inFront } = this.#front;
    return { running, inFront, replaced: this.#recoveries.count, stuck, connections: this.#load.perWorker };
  }

  /** Those that hang for good. */
  get stuck(): readonly number[] {
    return this.#threads.stuck;
  }

  /** How sites have treated exits, as each worker counted it. */
  verdicts(): Promise<readonly (readonly JudgedExit[])[]> {
    return this.#threads.askAll({ kind: 'verdicts' });
  }

  /** The attempts that failed over the exit in a slot, as each worker remembers them. */
  failures(slot: number): Promise<readonly (readonly FailedAttempt[])[]> {
    return this.#threads.askAll({ kind: 'failures', slot });
  }

  /** Has every worker post what it has booked; resolves when the ledger has it. */
  async postBookings(): Promise<void> {
    await this.#threads.post();
    this.#options.shared.ledger?.write();
  }

  /** Hands every worker a new set of clients; resolves when the next request anywhere is judged by it. */
  setClients(clients: readonly ClientRecord[]): Promise<void> {
    return this.#turns.take(async () => {
      this.#clients = clients;
      await this.#threads.tell({ kind: 'clients', clients });
    });
  }

  /** Hands every worker the certificate of this key, which has changed. */
  setCertificate(key: string, pair: CertificatePair): Promise<void> {
    return this.#turns.take(async () => {
      this.#certificates = new Map(this.#certificates).set(key, pair);
      await this.#threads.tell({ kind: 'certificate', key, pair });
    });
  }

  /** Takes an operator's report on an exchange, wherever it ran. */
  async report(report: Report, client: string | null): Promise<ReportOutcome> {
    const [thread] = this.#threads.all();
    const outcome = await thread?.ask({ kind: 'report', report, client }, ANSWER_MS);
    return outcome ?? { ok: false, refusal: 'unknown' };
  }

  /** Takes a new config, its certificates and new pools in every worker, or in none: rejects with StartFault, and then everything
   *  is as it was. `commitPools` makes the new pools those that stand. Exchanges under way go on. */
  reload({ config, certificates, commitPools }: Reload): Promise<void> {
    return this.#turns.take(async () => {
      await assertFree(config, { bound: this.#bound, ports: this.#ports });
      let next = { bound: this.#bound, ports: this.#ports };
      try {
        const { order } = this.#front;
        for (const worker of order) {
          const thread = this.#threads.at(worker);
          if (thread === undefined) continue;
          const whole = { config, certificates, ports: next.ports };
          const bound = await this.#threads.askUnlessEnded(thread, { kind: 'prepare', plan: whole });
          if (bound !== null) next = { bound, ports: portsOf(config, bound) };
        }
        // New listeners may then be in another order than those that were there.
        const isNew = [...next.ports.keys()].some((key) => !this.#ports.has(key));
        if (isNew && `${this.#front.order}` !== `${order}`) this.#load.loseOrder();
      } catch (fault) {
        await this.#threads.tell({ kind: 'abort' });
        throw fault;
      }
      this.#config = config;
      this.#pools = commitPools();
      this.#options.shared.settle(this.#pools);
      this.#certificates = certificates;
      this.#ports = next.ports;
      this.#bound = next.bound;
      await this.#threads.tell({ kind: 'commit', pools: this.#pools });
    });
  }

  /** Takes new pools in every worker. `commit` makes them those that stand. Exchanges under way go on. */
  takePools(commit: () => AppliedPools): Promise<AppliedPools> {
    return this.#turns.take(async () => {
      this.#pools = commit();
      this.#options.shared.settle(this.#pools);
      await this.#threads.tell({ kind: 'pools', pools: this.#pools.record });
      return this.#pools;
    });
  }

  /** Resolves when all that was asked so far has been carried out. */
  settled(): Promise<void> {
    return this.#turns.take(async () => {});
  }

  /** Stops taking exchanges, waits until those under way have ended, but no longer than `drainMs`, and ends all workers:
   *  those that won't end are running still. The first call counts. */
  stop(drainMs: number): Promise<void> {
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  /** Has a stop that is under way cut the exchanges that it waits for. False where it waits for none. */
  hurry(): boolean {
    return this.#threads.hurry();
  }

  async #stop(drainMs: number): Promise<void> {
    this.#phase = 'draining';
    this.#upkeep.close();
    this.#watch.close();
    this.#recoveries.close();
    for (const worker of this.#threads.numbers()) this.#load.unseen(worker);
    await this.#threads.end(drainMs);
    this.left.close();
    this.#lines.close();
  }

  #spawn(worker: number): WorkerThread {
    const { start, tellFault, warn, spawn } = this.#options;
    const thread = new WorkerThread({
      start: { ...start, worker },
      onLog: () => this.#lines.look(),
      onBookings: (batch) => {
        this.#options.shared.ledger?.take(batch);
        this.left.heard(worker, batch);
        this.#load.takeBatch(worker);
      },
      onQuota: (account) => this.#options.shared.quotas.met(account),
      onNotice: warn,
      onFault: tellFault,
      onQuestion: (question, about) => void this.#threads.answer(thread, question, about),
      onWant: (filter) => this.#threads.share(filter),
      onPass: (connection) => void this.#threads.pass(connection),
      onEnd: (why) => this.#ended(worker, why),
      spawn,
    });
    this.#threads.add(worker, thread);
    return thread;
  }

  /** The first worker may leave ports to the system, and all others listen where it does. */
  async #open(worker: number, thread: WorkerThread): Promise<void> {
    const plan = { config: this.#config, ports: this.#ports, certificates: this.#certificates };
    const request = { kind: 'open', plan, pools: this.#pools, clients: this.#clients } as const;
    this.#bound = await thread.ask(request, ANSWER_MS);
    this.#ports = portsOf(this.#config, this.#bound);
    this.#front.joined(worker);
  }

  #ended(worker: number, why: string): void {
    const { start, shared, parking, warn } = this.#options;
    this.#threads.remove(worker);
    for (const other of parking?.bury(worker) ?? []) this.#load.met(other);
    this.#front.left(worker);
    this.figures.ended(worker);
    this.#lines.look();
    releaseWorker(start.memory, worker);
    this.#watch.died();
    this.left.died(worker);
    shared.bury(worker);
    if (this.#phase !== 'serving') return;
    warn(`worker ${worker + 1} ended and is replaced: ${why}`);
    this.#recoveries.schedule(worker);
  }

  /** In its turn, so that it starts by what then holds. */
  async #replace(worker: number): Promise<void> {
    if (this.#phase !== 'serving') return;
    const thread = this.#trySpawn(worker);
    if (thread === null) return;
    await this.#open(worker, thread).catch(async (fault: Error) => {
      if (!(fault instanceof WorkerEnded)) this.#options.warn(`worker ${worker + 1} can't serve: ${fault.message}`);
      await thread.terminate();
    });
  }

  /** Null where the system gives no thread now: it is asked again later. */
  #trySpawn(worker: number): WorkerThread | null {
    try {
      return this.#spawn(worker);
    } catch (fault) {
      this.#options.warn(`worker ${worker + 1} can't be started: ${(fault as Error).message}`);
      this.#recoveries.tryAgain(worker);
      return null;
    }
  }
}
