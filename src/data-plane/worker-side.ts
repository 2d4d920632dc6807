import { Buffer } from 'node:buffer';
import type { Config } from '../config/config.ts';
import { octetRingOf, RingWriter } from '../memory/octet-ring.ts';
import { AtomicWords } from '../memory/words.ts';
import { WorkerLoad } from '../memory/worker-load.ts';
import { hashSecret } from '../store/secret-key.ts';
import { AccessLines } from '../telemetry/access-lines.ts';
import { Counters } from '../telemetry/counters.ts';
import { watchLoopLag } from '../telemetry/loop-lag.ts';
import { sharedClock } from '../threads/clock.ts';
import { FaultTeller, textOf } from '../threads/fault-teller.ts';
import { StartFault } from '../threads/start-fault.ts';
import { openTunnelRelay } from '../threads/tunnel-relay.ts';
import type {
  FromWorker,
  ToWorker,
  WorkerAnswers,
  WorkerFault,
  WorkerRequest,
  WorkerStart,
} from '../threads/worker-messages.ts';
import { DataPlane, type PreparedPlan } from './data-plane.ts';
import { ExchangeLedger, noLedger } from './exchange-ledger.ts';
import { Garbage } from './garbage.ts';
import { RecentQuestions } from './recent-questions.ts';
import { socketsOf } from './socket-source.ts';

type Open = Extract<WorkerRequest, { kind: 'open' }>;

/** Posts to the control thread; memory that is moved there is gone here. */
type PostFromWorker = (message: FromWorker, moved?: ArrayBuffer[]) => void;

/** One worker's side of the conversation with the control thread: carries out what it is asked, and tells of faults and of the
 *  log. The control thread asks for one change after another. */
export class WorkerSide {
  readonly #start: WorkerStart;
  readonly #post: PostFromWorker;
  readonly #faults: FaultTeller;
  readonly #questions: RecentQuestions;
  #plane: DataPlane | null = null;
  #prepared: PreparedPlan | null = null;
  #ledger: ExchangeLedger | null = null;
  #stopping = false;

  constructor(start: WorkerStart, post: PostFromWorker) {
    this.#start = start;
    this.#post = post;
    this.#faults = new FaultTeller((exchange, text) => post({ kind: 'fault', exchange, text }));
    this.#questions = new RecentQuestions((question, about) => post({ kind: 'question', question, about }));
  }

  /** Answers one message. Never rejects. */
  async receive({ id, request }: ToWorker): Promise<void> {
    try {
      this.#post({ kind: 'answer', id, value: await this.#carryOut(request) });
    } catch (fault) {
      this.#post({ kind: 'failure', id, fault: faultOf(fault) });
    }
  }

  /** Tells a fault of our own, once. */
  tellFault(exchange: string, fault: unknown): void {
    this.#faults.tell(exchange, fault);
  }

  #carryOut(
    request: WorkerRequest,
  ): Promise<WorkerAnswers[WorkerRequest['kind']]> | WorkerAnswers[WorkerRequest['kind']] {
    switch (request.kind) {
      case 'open':
        return this.#open(request);
      case 'prepare':
        return this.#prepare(request);
      case 'commit':
        return this.#settle((prepared) => prepared.commit(request.pools));
      case 'abort':
        return this.#settle((prepared) => prepared.abort());
      case 'pools':
        this.#plane?.setPools(request.pools);
        return null;
      case 'clients':
        this.#plane?.setClients(request.clients);
        return null;
      case 'certificate':
        this.#plane?.setCertificate(request.key, request.pair);
        return null;
      case 'list':
        this.#plane?.registry.takeList(request.list);
        return null;
      case 'verdicts':
        return this.#plane?.verdicts.entries() ?? [];
      case 'failures':
        return this.#plane?.failures.of(request.slot) ?? [];
      case 'find':
        return this.#plane?.findRecent(request.query) ?? { exchange: null, ambiguous: false };
      case 'claim':
        return this.#plane?.claimRecent(request.id) ?? false;
      case 'report':
        return this.#plane?.report(request.report, request.client) ?? { ok: false, refusal: 'unknown' };
      case 'take':
        return this.#plane?.take(request.connection) ?? false;
      case 'told':
        this.#questions.told(request.question, request.answer);
        return null;
      case 'post':
        this.#plane?.lookAtTunnels();
        this.#ledger?.flush();
        return null;
      case 'stop':
        return this.#stop(request.drainMs);
    }
  }

  async #open({ plan, pools, clients }: Open) {
    const { secretKey, relayThreads, ...start } = this.#start;
    const { config } = plan;
    const { worker, memory } = start;
    const load = new WorkerLoad(new AtomicWords(memory.load));
    const counters = Counters.of(memory.counters, worker);
    const now = sharedClock();
    if (config.ledger.enabled) {
      this.#ledger = new ExchangeLedger({
        post: (batch) => this.#post({ kind: 'bookings', batch }, [batch.lines.octets.buffer]),
        taken: () => load.batchesTaken(worker),
        now,
        wallTime: Date.now,
      });
    }
    const key = Buffer.from(secretKey);
    const relay = openTunnelRelay({ threads: relayThreads, pipes: start.capacity.pipes, isHeir: false });
    const plane = new DataPlane({
      ...start,
      config,
      pools,
      clients,
      relay,
      sockets: socketsOf(relay.addon),
      lookUp: this.#questions,
      wantList: (filter) => this.#post({ kind: 'want', filter }),
      pass: (connection) => this.#post({ kind: 'pass', connection }),
      meetQuota: (account) => this.#post({ kind: 'quota', account }),
      notice: (line) => this.#post({ kind: 'notice', line }),
      hashSecret: (secret) => hashSecret(key, secret),
      now,
      log: this.#openLog(config.accessLog, counters),
      ledger: this.#ledger ?? noLedger,
      tellFault: (id, fault) => this.tellFault(id, fault),
    });
    this.#plane = plane;
    const { bound, commit } = await plane.prepare(plan);
    await commit();
    load.seen(worker, now());
    const garbage = new Garbage(now);
    watchLoopLag(now, (lateMs) => {
      counters.lagged(lateMs);
      if (load.memoryFull) garbage.short();
      if (this.#stopping) return;
      load.seen(worker, now());
      plane.look(lateMs);
    });
    return bound;
  }

  #openLog({ enabled, paths }: Config['accessLog'], counters: Counters): AccessLines | null {
    const { worker, memory } = this.#start;
    const shared = memory.logs[worker];
    if (!enabled || shared === undefined) return null;
    return new AccessLines({
      paths,
      ring: new RingWriter(octetRingOf(shared)),
      tell: () => this.#post({ kind: 'log' }),
      onDrop: () => counters.dropLine(),
    });
  }

  async #prepare({ plan }: Extract<WorkerRequest, { kind: 'prepare' }>) {
    this.#prepared = (await this.#plane?.prepare(plan)) ?? null;
    return this.#prepared?.bound ?? [];
  }

  async #settle(act: (prepared: PreparedPlan) => Promise<void>): Promise<null> {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared !== null) await act(prepared);
    return null;
  }

  async #stop(drainMs: number): Promise<null> {
    this.#stopping = true;
    await this.#plane?.stop(drainMs);
    this.#ledger?.flush();
    return null;
  }
}

function faultOf(fault: unknown): WorkerFault {
  if (fault instanceof StartFault) return { exitCode: fault.exitCode, lines: fault.lines };
  return { exitCode: 1, lines: [textOf(fault)] };
}
