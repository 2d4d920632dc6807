import { type By, type ErrorKind, GatewayError } from '../errors.ts';
import type { Hold, LeaseKey } from '../memory/lease.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { PacedSite } from '../policy/site-book.ts';
import type { Exit, Pool } from '../pool/exit.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { Authority } from '../protocol/authority.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { ReplyLabels } from '../protocol/error-reply.ts';
import type { RateLimit } from '../protocol/rate-limit-fields.ts';
import type { Params } from '../protocol/username.ts';
import { unknownVerdict, type Verdict } from '../signals/verdict.ts';
import { Abort, type AbortView } from '../transport/abort.ts';
import type { RelayHandle } from '../transport/relay.ts';
import type { Identity } from './admission.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import type { ExitRest } from './choosing/exit-rests.ts';
import type { Deadline } from './deadline.ts';
import type { LinkKeys } from './forwarding/link-keys.ts';
import { NO_TICKET } from './internal/recent-exchanges.ts';
import type { Bounds } from './limits/bounds.ts';
import type { LimitClaims } from './limits/limit-claims.ts';
import type { LimitPlan } from './limits/limit-plans.ts';
import type { MeteredTunnel } from './limits/tunnel-flow.ts';
import type { QuotaHold } from './quotas/quota-hold.ts';
import type { Spending } from './quotas/quota-spending.ts';
import type { RelayedExchange } from './tunnels/tunnel-exchange.ts';

/** How the client asked: by forwarding, by CONNECT, or by SOCKS5. */
export type Mode = 'forward' | 'connect' | 'socks5';

/** Which client asks for what, once it is known to be allowed. */
export interface Admission {
  readonly client: ClientRecord;
  readonly params: Params;
  /** The pools that the request may leave by, all of them open to its target. */
  readonly pools: readonly string[];
  /** Pools that it may leave by, but for an operator who disabled them. */
  readonly disabled?: readonly string[];
  /** The key of its session's lease; null where it named no session. */
  readonly leaseKey: LeaseKey | null;
  /** Which exits it asks for. */
  readonly filter: ExitFilter;
  /** The keys of the links that it went by last. */
  readonly links: LinkKeys;
}

/** The exit an attempt goes by. */
export interface Choice {
  readonly slot: number;
  readonly exit: Exit;
  /** The exit's pool as it was then: what the attempt costs, whatever a reload changes meanwhile. */
  readonly pool: Pool | null;
  /** Where it is dialled: the exit's own endpoint, or the one minted for this session or attempt. */
  readonly endpoint: Endpoint;
  /** What its session holds by it; null without a session. */
  readonly hold: Hold | null;
  /** By which its provider let it in; see ProviderHealth. */
  readonly entry: number;
  /** It goes by a session id that the exit went by formerly: nothing is learned of the exit that it is now. */
  readonly isFormer?: boolean;
}

/** Where nothing is held that is to be given back. */
export const NO_PLACE = -1;

/** One finished attempt, for the log. */
export interface AttemptRecord {
  readonly exit: string;
  readonly kind: 'ok' | 'client_left' | ErrorKind;
  /** Duration in ms until success was known or the attempt had failed. */
  readonly ms: number;
}

/** What opens an exchange. */
export interface ExchangeOpening {
  readonly id: string;
  readonly mode: Mode;
  readonly method: string;
  readonly listener: string;
  readonly source: string;
  readonly startedAt: number;
}

/** An attempt as quotas see it: `spending` is what it counts against them, null where it counts nothing. */
export interface CountedAttempt {
  readonly choice: Choice;
  readonly meter: AttemptMeter;
  spending: Spending | null;
}

/** The life of one client request, from its first octet to its last. Phases stamp it; the log reads it. Times are in ms of the
 *  monotonic clock. A new one knows nothing but who asks from where. */
export class Exchange {
  readonly id: string;
  readonly mode: Mode;
  readonly method: string;
  readonly listener: string;
  readonly source: string;
  readonly startedAt: number;
  authority: Authority | null = null;
  /** What is learned of its target is learned by this: the authority's, or that of the name in a tunnel to an address. */
  site: string | null = null;
  /** The row of that site when an exit was chosen last, -1 for none; good as long as nothing is waited for. */
  siteRow = -1;
  /** The number of the filter it asks by, from then as well; see FilterRings. */
  ring = 0;
  path = '';
  /** Who asks, once authenticated, whether or not it is allowed. */
  identity: Pick<Identity, 'client' | 'params'> | null = null;
  admission: Admission | null = null;
  /** What its client's exchanges to its host come under. */
  bounds: Bounds | null = null;
  /** The limits that it was let in by, null where it has none, and what it gives back of them at its end. */
  limits: LimitPlan | null = null;
  limitPlace = NO_PLACE;
  limitSitePlace = NO_PLACE;
  /** The same of one that may leave by several pools, where limits depend on which. */
  limitClaims: LimitClaims | null = null;
  /** What it counts against its client's quotas; null where it has none. */
  quota: QuotaHold | null = null;
  /** The relay that carries its tunnel, what lets pass through it only so much at once, and its place among those that are looked at
   *  now and then: see Flows. */
  carrier: RelayHandle | null = null;
  flow: MeteredTunnel | null = null;
  watchPlace = NO_PLACE;
  /** Which soft quota was used up before it began; for its client. */
  quotaWarning: string | undefined;
  /** The pace of its site, null where it has none, and its place among those under way there. */
  pace: PacedSite | null = null;
  pacePlace = NO_PLACE;
  /** Of exits that rest from its site between two requests those that it has taken. */
  exitRests: readonly ExitRest[] = NO_RESTS;
  /** An exit that would do was left because its vendor's account was at its limit, when one was chosen last. */
  atAccountLimit = false;
  choice: Choice | null = null;
  /** The generation of its exit's slot while this exchange counts in flight there; null while it doesn't. */
  inFlight: number | null = null;
  /** What it gives back for that count; see ExchangeSlots. */
  place = -1;
  /** The same for the account that its exit was minted from; see VendorAccounts. */
  accountPlace = -1;
  /** Its ticket among the recent exchanges; see RecentExchanges. */
  ticket = NO_TICKET;
  /** Its place among the uses of sessions; see SessionUses. */
  usePlace = -1;
  /** The attempt that its content is sent over, until that has succeeded or failed. */
  sending: CountedAttempt | null = null;
  /** Counts the octets of the attempt that succeeded. */
  meter: AttemptMeter | null = null;
  /** What that attempt counts against quotas. */
  spending: Spending | null = null;
  /** Its place among what the ledger books as it runs. */
  ledgerPlace = NO_PLACE;
  /** By which handle the control thread knows its tunnel outside of JavaScript; 0 where it doesn't. */
  toldTunnel = 0;
  /** Octets to and from exits, of all attempts, once they have ended; see AttemptMeter. */
  sentBytes = 0;
  receivedBytes = 0;
  attempts: readonly AttemptRecord[] = NO_ATTEMPTS;
  admittedAt: number | null = null;
  /** When the exit had confirmed the tunnel, or the response head had come. */
  confirmedAt: number | null = null;
  status: number | null = null;
  clientBytes = 0;
  originBytes = 0;
  /** How it ended. `cut`: after success was told, and not at the end of a message. */
  ending: 'ok' | 'cut' | 'client_left' | ErrorKind | null = null;
  by: By | null = null;
  /** Of one that found no exit: why, in counts. Of one that was refused: what is wrong with it. Of one that was cut: which quota was
   *  used up. */
  why: string | null = null;
  /** What its site did with it, as far as is known. */
  verdict: Verdict = unknownVerdict;
  /** From a tunnel's ClientHello to the first of the answer, in ms: how far the origin is by that exit; null where that isn't known. */
  originMs: number | null = null;
  /** Settles when the verdict is known, where that takes longer than the exchange; it rejects by a fault of ours alone. */
  judging: Promise<void> | null = null;
  /** What an `internal` failure came from: for the operator, never for the client. */
  fault: unknown = null;
  /** The deadline of the whole exchange. */
  lifetime: Deadline | null = null;
  /** Nothing has been done for it yet: it waits for its turn. */
  #queued = false;
  #clientEnded = false;
  /** Its tunnel is being relayed, by this: it goes on, and ends, without whoever began it. */
  relayed: RelayedExchange | null = null;
  readonly #abort = new Abort();

  constructor(opening: ExchangeOpening) {
    this.id = opening.id;
    this.mode = opening.mode;
    this.method = opening.method;
    this.listener = opening.listener;
    this.source = opening.source;
    this.startedAt = opening.startedAt;
  }

  /** Aborted when the client leaves or the exchange's own deadline passes; its reason is thrown by whoever waits. */
  get abort(): AbortView {
    return this.#abort;
  }

  /** An attempt has ended. */
  attempted(attempt: AttemptRecord): void {
    // An array that grows, and one made by spreading, has room for more, for as long as the exchange lasts.
    this.attempts = this.attempts.length === 0 ? [attempt] : this.attempts.concat(attempt);
  }

  /** Whether it waits for its turn, before anything was done for it. A client that sends its FIN meanwhile, or has sent it, has left:
   *  most programs that give up close so, and a turn is too good for who only might still listen. */
  set queued(queued: boolean) {
    this.#queued = queued;
    if (queued && this.#clientEnded) this.stop(new ClientLeft());
  }

  /** Its client has sent its FIN. */
  clientEnded(): void {
    this.#clientEnded = true;
    if (this.#queued) this.stop(new ClientLeft());
  }

  /** Ends what is under way for it, and the tunnel that carries it. The first reason counts. */
  stop(reason: unknown): void {
    this.#abort.abort(reason);
    this.carrier?.cut();
  }

  /** Ends it: its own deadline has passed. */
  expire(): void {
    this.stop(new GatewayError('deadline', { detail: 'the exchange lasted too long', by: 'gateway' }));
  }
}

const NO_RESTS: readonly ExitRest[] = Object.freeze([]);
const NO_ATTEMPTS: readonly AttemptRecord[] = Object.freeze([]);

/** By this is known what is known of the exchange's origin over all exits; mostly the very string that it was the last time. */
export function authorityKey({ authority, bounds }: Exchange): string {
  return bounds?.authorityAt(authority?.port ?? 0) ?? `${authority?.host}:${authority?.port}`;
}

/** Leaves out pools over which the exchange may not go any more. */
export function leaveBy(exchange: Exchange, pools: readonly string[]): void {
  const { admission } = exchange;
  if (admission !== null && pools.length < admission.pools.length)
    exchange.admission = { ...admission, pools, filter: { ...admission.filter, pools } };
}

/** Leaves out the pool. False where it may go over no other one, or that was none of its pools: then all is as it was. */
export function leavesOut(exchange: Exchange, pool: string): boolean {
  const pools = exchange.admission?.pools ?? [];
  const others = pools.filter((other) => other !== pool);
  if (others.length === 0 || others.length === pools.length) return false;
  leaveBy(exchange, others);
  return true;
}

/** The reason for which everything under way for an exchange stops: nobody is left to answer. */
export class ClientLeft extends Error {
  constructor() {
    super('the client left');
    this.name = 'ClientLeft';
  }
}

/** What our own fields say about an exchange: whatever the client needs to name it, its exit (id and country, never its address)
 *  and its session later. */
export function labelsOf({ id, choice, admission, quotaWarning }: Exchange, limits?: RateLimit): ReplyLabels {
  const exit = choice?.exit;
  const country = exit?.geo.country;
  return {
    requestId: id,
    exitLabel: country === undefined ? exit?.id : `${exit?.id}; country=${country}`,
    sessionLabel: admission?.params.session,
    quotaLabel: quotaWarning,
    limits,
  };
}
