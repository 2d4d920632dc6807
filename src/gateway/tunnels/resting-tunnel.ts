import { unknownVerdict } from '../../signals/verdict.ts';
import type { RelayHandle, RelayOutcome, RelayOwner } from '../../transport/relay.ts';
import { Wire } from '../../transport/wire.ts';
import { AttemptMeter } from '../attempt-meter.ts';
import { type Admission, type AttemptRecord, type Choice, Exchange } from '../exchange.ts';
import type { Grants } from '../limits/tunnel-flow.ts';
import { type RestingKind, restingKindOf } from './resting-kind.ts';
import type { RelayedHow } from './tunnel-exchange.ts';

/** What came before the attempt that succeeded. */
interface Before {
  readonly attempts: readonly AttemptRecord[];
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The hour of no booking, and the grant of no limit. */
const NONE = -1;

/** Times are kept in whole microseconds, which is what the log tells: a number with a fraction takes an object of its own. */
const toMicros = (ms: number): number => Math.round(ms * 1_000);
const toMs = (micros: number): number => micros / 1_000;

/** An exchange whose tunnel is relayed outside of JavaScript, and in which nothing moves: what it takes to make it anew once something
 *  does. The exchange itself, and what counts for it, take five times as much memory, and most tunnels are idle most of the time.
 *  All octets are booked and counted, so that nothing is kept which another field tells. */
export class RestingTunnel implements RelayOwner {
  readonly kind: RestingKind;
  readonly handle: RelayHandle;
  /** Its place among those that rest. */
  place = -1;
  readonly #id: string;
  readonly #startedAt: number;
  readonly #admission: Admission;
  readonly #choice: Choice;
  readonly #before: Before | null;
  readonly #admittedMicros: number;
  readonly #confirmedMicros: number;
  readonly #attemptMicros: number;
  readonly #limitPlace: number;
  readonly #limitSitePlace: number;
  readonly #pacePlace: number;
  readonly #generation: number;
  readonly #exitPlace: number;
  readonly #accountPlace: number;
  readonly #usePlace: number;
  readonly #ticket: number;
  readonly #sent: number;
  readonly #received: number;
  readonly #passedForth: number;
  readonly #passedBack: number;
  readonly #bookedHour: number;
  readonly #bookedSent: number;
  readonly #bookedReceived: number;
  readonly #granted: number;
  readonly #lastGrant: number;
  readonly #nextGrant: number;

  private constructor(
    exchange: Exchange,
    { kind, handle, admission, choice, meter, wire, confirmedAt, admittedAt, last }: Parts,
  ) {
    const { bytesAtoB, bytesBtoA } = wire;
    const { attempts, sentBytes, receivedBytes, startedAt, flow } = exchange;
    this.kind = kind;
    this.handle = handle;
    this.#id = exchange.id;
    this.#startedAt = startedAt;
    this.#admission = admission;
    this.#choice = choice;
    // Of an attempt that another has overtaken nothing tells but what it moved.
    const isFirst = attempts.length === 1 && sentBytes + receivedBytes === 0;
    this.#before = isFirst ? null : { attempts: attempts.slice(0, -1), sentBytes, receivedBytes };
    this.#admittedMicros = toMicros(admittedAt - startedAt);
    this.#confirmedMicros = toMicros(confirmedAt - startedAt);
    this.#attemptMicros = toMicros(last.ms);
    this.#limitPlace = exchange.limitPlace;
    this.#limitSitePlace = exchange.limitSitePlace;
    this.#pacePlace = exchange.pacePlace;
    this.#generation = exchange.inFlight ?? 0;
    this.#exitPlace = exchange.place;
    this.#accountPlace = exchange.accountPlace;
    this.#usePlace = exchange.usePlace;
    this.#ticket = exchange.ticket;
    this.#sent = meter.sent;
    this.#received = meter.received;
    this.#passedForth = bytesAtoB;
    this.#passedBack = bytesBtoA;
    this.#bookedHour = meter.running?.hour ?? NONE;
    this.#bookedSent = meter.running?.sent ?? 0;
    this.#bookedReceived = meter.running?.received ?? 0;
    this.#granted = flow?.grants?.granted ?? NONE;
    this.#lastGrant = flow?.grants?.last ?? 0;
    this.#nextGrant = flow?.grants?.next ?? 0;
  }

  /** Of an exchange whose tunnel is relayed outside, and all of whose octets are booked. Null where it is like few others, or something
   *  moves, or will soon: then the exchange goes on. */
  static of(exchange: Exchange, how: RelayedHow): RestingTunnel | null {
    const { resting } = how.deps.quotas;
    if (isOver(exchange) || isRare(exchange) || !resting.isSettled(exchange)) return null;
    const parts = partsOf(exchange, how);
    if (parts === null) return null;
    const tunnel = new RestingTunnel(exchange, parts);
    return tunnel.mayRest(resting.grant(parts.kind)) ? tunnel : null;
  }

  /** Whether it was granted no more than its quotas let it pass now, and nothing has passed since it began to rest. */
  mayRest(grant: number): boolean {
    if (!(grant >= this.#lastGrant)) return false;
    const { bytesAtoB, bytesBtoA } = this.handle.counts();
    return bytesAtoB === this.#passedForth && bytesBtoA === this.#passedBack;
  }

  onSpent(): void {
    this.kind.deps.resting.wakeToGoOn(this).onSpent();
  }

  sees(octets: Buffer): boolean {
    return this.kind.deps.resting.wake(this).sees(octets);
  }

  onEnd(outcome: RelayOutcome): void {
    this.kind.deps.resting.wake(this).onEnd(outcome);
  }

  /** The exchange as it was. */
  wake(): Exchange {
    const { kind, handle } = this;
    const { deps } = kind;
    const exchange = new Exchange({ ...openingOf(kind), id: this.#id, startedAt: this.#startedAt });
    exchange.authority = kind.authority;
    exchange.site = kind.bounds.site;
    exchange.identity = this.#admission;
    exchange.admission = this.#admission;
    exchange.bounds = kind.bounds;
    exchange.limits = kind.limits;
    exchange.pace = kind.pace;
    exchange.choice = this.#choice;
    exchange.limitPlace = this.#limitPlace;
    exchange.limitSitePlace = this.#limitSitePlace;
    exchange.pacePlace = this.#pacePlace;
    exchange.inFlight = this.#generation;
    exchange.place = this.#exitPlace;
    exchange.accountPlace = this.#accountPlace;
    exchange.usePlace = this.#usePlace;
    exchange.ticket = this.#ticket;
    exchange.status = CONFIRMED;
    // All of it was booked before, and so told of.
    exchange.toldTunnel = handle.handle;
    this.#wakeTimes(exchange);
    exchange.meter = this.#wakeMeter();
    deps.quotas.resting.wake(exchange, kind, exchange.meter);
    const { granted, last, next } = { granted: this.#granted, last: this.#lastGrant, next: this.#nextGrant };
    deps.flows.restore(exchange, handle, granted === NONE ? null : { granted, last, next });
    return exchange;
  }

  #wakeTimes(exchange: Exchange): void {
    const startedAt = this.#startedAt;
    exchange.admittedAt = startedAt + toMs(this.#admittedMicros);
    exchange.confirmedAt = startedAt + toMs(this.#confirmedMicros);
    exchange.attempts = this.#before?.attempts ?? exchange.attempts;
    exchange.attempted({ exit: this.#choice.exit.id, kind: 'ok', ms: toMs(this.#attemptMicros) });
    exchange.sentBytes = this.#before?.sentBytes ?? 0;
    exchange.receivedBytes = this.#before?.receivedBytes ?? 0;
  }

  #wakeMeter(): AttemptMeter {
    const [hour, sent, received] = [this.#bookedHour, this.#bookedSent, this.#bookedReceived];
    const { site } = this.kind.bounds;
    return AttemptMeter.from({
      wire: Wire.over(this.handle, { bytesAtoB: this.#passedForth, bytesBtoA: this.#passedBack }),
      sent: this.#sent,
      received: this.#received,
      running: hour === NONE ? null : { kind: RUNNING, site, hour, sent, received },
    });
  }
}

/** The status of a tunnel, and the kind under which one that runs is booked. */
const CONFIRMED = 200;
const RUNNING = 'ok';

interface Parts {
  readonly kind: RestingKind;
  readonly handle: RelayHandle;
  readonly admission: Admission;
  readonly choice: Choice;
  readonly meter: AttemptMeter;
  readonly wire: { readonly bytesAtoB: number; readonly bytesBtoA: number };
  readonly admittedAt: number;
  readonly confirmedAt: number;
  readonly last: AttemptRecord;
}

/** It has been told to end. */
const isOver = ({ abort, ending, by, why }: Exchange): boolean =>
  abort.aborted || ending !== null || by !== null || why !== null;

/** Few exchanges are like this, and it would take more fields in all of them. */
function isRare(exchange: Exchange): boolean {
  const { limitClaims, sending, path, status, clientBytes, originBytes, verdict, judging, fault } = exchange;
  if (limitClaims !== null || sending !== null || path !== '' || status !== CONFIRMED) return true;
  return clientBytes + originBytes > 0 || verdict !== unknownVerdict || judging !== null || fault !== null;
}

function partsOf(exchange: Exchange, how: RelayedHow): Parts | null {
  const { authority, admission, bounds, choice, meter, carrier, inFlight } = exchange;
  const { startedAt, admittedAt, confirmedAt, site, flow } = exchange;
  if (authority === null || admission === null || bounds === null || choice === null) return null;
  if (meter === null || carrier === null || inFlight === null) return null;
  if (admittedAt === null || confirmedAt === null || site !== bounds.site) return null;
  if (flow !== null && flow.grants === null) return null;
  const { running } = meter;
  if (running !== null && (running.kind !== RUNNING || running.site !== site)) return null;
  const [last, wire] = [exchange.attempts.at(-1), meter.wire?.allTaken ?? null];
  if (last?.kind !== 'ok' || last.exit !== choice.exit.id || wire === null) return null;
  if (!isEachSmall(meter, flow?.grants ?? null, confirmedAt - startedAt)) return null;
  const kind = restingKindOf(exchange, how, { authority, admission, bounds, choice });
  return { kind, handle: carrier, admission, choice, meter, wire, admittedAt, confirmedAt, last };
}

/** Whether V8 keeps all the numbers in their fields themselves: one that is larger would take an object, and from then on so would each in
 *  that field of every tunnel. */
function isEachSmall({ sent, received, running }: AttemptMeter, grants: Grants | null, confirmedMs: number): boolean {
  const octets = Math.max(sent, received, running?.sent ?? 0, running?.received ?? 0);
  const granted = grants === null ? 0 : Math.max(grants.granted, grants.last, grants.next);
  return Math.max(octets, granted, toMicros(confirmedMs)) < 2 ** 31;
}

const openingOf = ({ mode, method, listener, source }: RestingKind) => ({ mode, method, listener, source });
