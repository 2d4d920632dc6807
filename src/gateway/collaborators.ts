import type { GatewayError } from '../errors.ts';
import type { ExchangeSlots } from '../memory/exchange-slots.ts';
import type { ExitRows } from '../memory/exit-rows.ts';
import type { IdEpochs } from '../memory/id-epochs.ts';
import type { LeaseKey } from '../memory/lease.ts';
import type { LeaseTable } from '../memory/lease-table.ts';
import type { AddressRules } from '../policy/address-rules.ts';
import type { ClientDirectory } from '../policy/client-directory.ts';
import type { LoginLimits } from '../policy/login-limits.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { ExitErrorRule } from '../protocol/exit-errors.ts';
import type { HeadLimits } from '../protocol/http-message.ts';
import type { ExitRule } from '../protocol/site-rule.ts';
import type { RejectionLedger } from '../selection/blame.ts';
import type { MuteExits } from '../selection/mute-exits.ts';
import type { Selection } from '../selection/selection.ts';
import type { ToldRefusals } from '../selection/told-refusals.ts';
import type { FailureLedger } from '../signals/failure-ledger.ts';
import type { Dialler } from '../transport/dial.ts';
import type { KeptConnections } from '../transport/kept-connections.ts';
import type { Relay } from '../transport/relay.ts';
import type { Socket } from '../transport/socket.ts';
import type { ExitGuards } from './choosing/exit-guards.ts';
import type { FilterRings } from './choosing/filter-rings.ts';
import type { OperatorBars } from './choosing/operator-bars.ts';
import type { SessionUses } from './choosing/session-uses.ts';
import type { StandingCounts } from './choosing/standing-counts.ts';
import type { VendorAccounts } from './choosing/vendor-accounts.ts';
import type { Exchange } from './exchange.ts';
import type { ExitLink } from './forwarding/exit-link.ts';
import type { Ledger } from './ledger.ts';
import type { ExchangeLimits } from './limits/exchange-limits.ts';
import type { Flows } from './limits/flows.ts';
import type { SitePacing } from './limits/site-pacing.ts';
import type { Quotas } from './quotas/quotas.ts';
import type { SiteSignals } from './site-signals.ts';
import type { RestingTunnels } from './tunnels/resting-tunnels.ts';
import type { VerifiedLogins } from './verified-logins.ts';

/** What an operator sets for all exchanges; replaced as a whole by a reload. Durations are in ms. */
export interface GatewaySettings {
  readonly defaultPool: string | null;
  /** Greatest number of attempts for one exchange, unless its `retry` says otherwise. */
  readonly attempts: number;
  /** Content kept whole so that it can be sent again. */
  readonly keptContentBytes: number;
  /** How long a held exchange waits before it asks for an exit again. */
  readonly holdStepMs: number;
  readonly heads: HeadLimits;
  readonly exitErrors: readonly ExitErrorRule[];
  /** Whether tunnels are watched from outside for how a site treats an exit. */
  readonly watchTunnels: boolean;
  readonly timeouts: {
    readonly dial: number;
    readonly attempts: number;
    readonly firstByte: number;
    readonly stall: number;
    readonly keepAlive: number;
    readonly tunnelIdle: number;
    readonly exchange: number;
  };
}

/** Everything an exchange needs of others, as one value, so that a test passes plain ones. */
export interface Collaborators {
  /** Monotonic clock in ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh unguessable id, for requests and minted exits. */
  readonly newId: () => string;
  /** The key of a session's lease: keyed with a secret, so that no chosen name collides with another's. */
  readonly leaseKey: (client: string, session: string) => LeaseKey;
  readonly settings: () => GatewaySettings;
  readonly directory: () => ClientDirectory;
  readonly rules: () => AddressRules;
  readonly logins: LoginLimits;
  readonly verified: VerifiedLogins;
  readonly registry: PoolRegistry;
  /** What all threads know of the exits. */
  readonly exits: ExitRows;
  /** The ids that slots go by whose vendors give an address for a time. */
  readonly epochs: IdEpochs;
  /** Places in flight over the exits: taken and given back here. */
  readonly places: ExchangeSlots;
  /** What picks, and learns; another after a reload. */
  readonly selection: () => Selection;
  readonly rings: FilterRings;
  /** The row of a site, asked for `now`; -1 where it has none. */
  readonly siteRowOf: (site: string, now: number) => number;
  readonly leases: LeaseTable;
  /** Keeps sessions from going idle while they are in use. */
  readonly uses: SessionUses;
  /** Whether a session that lasts so long (in ms) may have held an exit before a crash from which not all came back. */
  readonly mayBeLost: (lastsMs: number) => boolean;
  readonly rejections: RejectionLedger;
  /** What exits have told of origins since they last worked. */
  readonly told: ToldRefusals;
  /** Exits that open tunnels through which nothing comes, by what each client has seen. */
  readonly mute: MuteExits;
  readonly dialler: Dialler;
  readonly kept: KeptConnections<ExitLink>;
  /** Carries tunnels once both sides are connected. */
  readonly relay: Relay;
  readonly signals: SiteSignals;
  readonly guards: ExitGuards;
  readonly limits: ExchangeLimits;
  readonly quotas: Quotas;
  /** What is counted against the vendors' accounts. */
  readonly accounts: VendorAccounts;
  /** What operators have closed. */
  readonly bars: OperatorBars;
  /** How exits stand, counted for errors. */
  readonly standings: StandingCounts;
  readonly pacing: SitePacing;
  readonly flows: Flows;
  /** Tunnels in which nothing moves. */
  readonly resting: RestingTunnels;
  /** How much each exit may carry; the first rule that is about an exit's pool holds. */
  readonly exitMost: () => readonly ExitRule[];
  /** Remembers attempts that failed, for people. */
  readonly failures: FailureLedger;
  /** Whether the gateway is shutting down: running exchanges go on, no new one begins. */
  readonly draining: () => boolean;
  /** Asked once for each exchange, before anything is done for it: why what came over the client's connection is refused, because
   *  this thread has more to do than it can; null to serve it. `readsFrom`: before that it had to wait for its own connection. */
  readonly overload: (client: Socket, readsFrom: number) => GatewayError | null;
  /** Counts an exchange that begins. */
  readonly begin: () => void;
  readonly ledger: Ledger;
  /** Books an exchange that ends `now`: log, counters, ledger. */
  readonly book: (exchange: Exchange, now: number) => void;
}
