import type { ErrorKind } from '../errors.ts';
import type { Dialect } from '../protocol/dialects.ts';
import type { HeadLimits } from '../protocol/http-message.ts';
import type { LimitRule } from '../protocol/limit-rule.ts';
import type { QuotaRule } from '../protocol/quota-rule.ts';
import type { ExitRule, SiteRule } from '../protocol/site-rule.ts';
import type { Parameters } from '../selection/parameters.ts';

/** A configuration as it is used: complete, frozen, durations in ms, sizes in octets, paths absolute. */
export interface Config {
  /** The file that it was read from. */
  readonly file: string;
  /** What relative paths of the file are relative to: the folder that holds its `config` folder, or else its own. */
  readonly folder: string;
  readonly listeners: readonly ListenerConfig[];
  /** Port 0 takes any free port. */
  readonly admin: { readonly host: string; readonly port: number };
  readonly data: string;
  /** The folder of the pool files. */
  readonly pools: string;
  readonly defaultPool: string | null;
  /** Data-plane threads. */
  readonly workers: 'auto' | number;
  /** Threads of the native relay; 0 leaves all tunnels to the one in TypeScript. */
  readonly relay: { readonly threads: number };
  readonly rules: {
    readonly allow: readonly Rule[];
    readonly deny: readonly Rule[];
    /** Whether the hosts that browsers call on their own account are refused. */
    readonly browserHosts: 'deny' | 'allow';
  };
  readonly limits: Limits;
  /** What holds for every client that has no rules of its own. */
  readonly clientLimits: readonly LimitRule[];
  /** How much every client may use that has no rules of its own. */
  readonly clientQuotas: readonly QuotaRule[];
  /** How fast all clients together may go to sites. */
  readonly sitePacing: readonly SiteRule[];
  /** How much each exit may carry. */
  readonly exitLimits: readonly ExitRule[];
  readonly timeouts: Timeouts;
  readonly heads: HeadLimits;
  readonly exchange: {
    /** Greatest number of attempts, the first included. */
    readonly attempts: number;
    /** Content kept whole so that it can be sent again. */
    readonly keptContentBytes: number;
  };
  readonly accessLog: {
    /** Null for standard output. */
    readonly file: string | null;
    /** Whether paths of requests stand in it. */
    readonly paths: boolean;
    readonly enabled: boolean;
  };
  readonly resolver: {
    /** `address`, `address:port` or `[IPv6]:port`; empty for the system's. */
    readonly servers: readonly string[];
    readonly hostsFile: string;
  };
  readonly exitErrors: readonly ExitErrorConfig[];
  /** What responses say of an exit, before the rules that hold anyway. */
  readonly blocks: readonly BlockRuleConfig[];
  /** Whether tunnels are watched from outside for how a site treats an exit. */
  readonly signals: 'on' | 'off';
  readonly guards: readonly GuardConfig[];
  /** The page of ours that exits are asked for (port 0 takes any free port), and how it is reached from outside, if it is; the
   *  time zone whose days budgets are for. */
  readonly probe: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string | null;
    readonly zone: string;
  };
  /** Databases that tell where an address is. */
  readonly geo: { readonly mmdb: readonly string[] };
  readonly ledger: LedgerConfig;
  /** The numbers that learned selection turns on. */
  readonly selection: Parameters;
}

export interface ListenerConfig {
  readonly name: string;
  readonly host: string;
  /** Port 0 takes any free port. */
  readonly port: number;
  readonly protocols: readonly ('http' | 'https' | 'socks5')[];
  /** `auto` is one that we sign ourselves; else PEM files, the certificate with its chain. */
  readonly certificate: 'auto' | { readonly cert: string; readonly key: string };
  /** Requests without a credential act as this client, where its allow-list holds their source. */
  readonly client: string | null;
  readonly dialects: readonly Dialect[];
  /** Whether `Roundabout-*` fields stand on forwarded responses. */
  readonly replyFields: 'on' | 'off';
  readonly via: 'on' | 'off';
}

/** All parts that are given must match; at least one of the first four is. */
export interface Rule {
  readonly cidr?: string;
  readonly host?: string;
  /** A name and all names below it. */
  readonly suffix?: string;
  /** Both ends belong to it. */
  readonly port?: { readonly from: number; readonly to: number };
  /** The rule holds for exchanges over this pool only. */
  readonly pool?: string;
}

export interface Limits {
  /** Sockets of all clients together. */
  readonly connections: number;
  /** Failed logins in a window of time. */
  readonly logins: { readonly perSource: number; readonly perName: number; readonly windowMs: number };
  /** Reports of one client in a window of time. */
  readonly reports: { readonly perClient: number; readonly windowMs: number };
  /** When new exchanges are refused because a worker is late with all of them; null for never. In ms: how long they may wait
   *  before anyone looks at them, and for how long that must have been exceeded. */
  readonly overload: { readonly delayMs: number; readonly afterMs: number } | null;
  /** Resident memory above which new exchanges are refused; null for no limit. */
  readonly memoryBytes: number | null;
}

/** All in ms; each is what its docstring names, and no timeout is off. */
export interface Timeouts {
  /** TLS or SOCKS5 negotiation of a client. */
  readonly handshake: number;
  /** A request head, from its first octet. */
  readonly head: number;
  /** A connection to an exit, its own handshake included. */
  readonly dial: number;
  /** All attempts of an exchange, until success is told or the response head has come. */
  readonly attempts: number;
  /** From the request's end to the response head. */
  readonly firstByte: number;
  /** No progress in content that is owed. */
  readonly stall: number;
  /** A client's connection between two requests. */
  readonly keepAlive: number;
  /** A tunnel without an octet either way. */
  readonly tunnelIdle: number;
  readonly exchange: number;
  /** Exchanges that run when the gateway is told to stop. 0 cuts them at once. */
  readonly drain: number;
}

/** Where the field's value contains `match`, ignoring case, an exit names `kind` as the cause. */
export interface ExitErrorConfig {
  readonly field: string;
  readonly match: string;
  readonly kind: ErrorKind;
}

/** A rule about responses: what isn't given doesn't matter. Texts are plain, in lower case. */
export interface BlockRuleConfig {
  readonly name?: string;
  /** A host and all below it. */
  readonly site?: string;
  readonly status?: readonly number[];
  readonly field?: { readonly name: string; readonly contains: string };
  /** Any of these in the content. */
  readonly body?: readonly string[];
  /** Greatest length of the content, in octets as sent. */
  readonly upTo?: number;
  /** The host that Location leads to, or one above it. */
  readonly redirect?: string;
  readonly verdict: 'served' | 'refused' | 'challenge';
}

/** What is kept of what exchanges cost. */
export interface LedgerConfig {
  readonly enabled: boolean;
  /** How long, in ms: whole days. */
  readonly keep: number;
  /** … and for how long by the hour; what is older is summed by the day. */
  readonly hours: number;
  /** Lines of the log of exchanges. */
  readonly exchanges: number;
  /** Pairs of client and site that are told apart in an hour, and in a day. */
  readonly pairs: number;
}

/** How sparingly exits are used on a site. Zero switches a part off. */
export interface GuardConfig {
  /** A host and all below it; null for every site by itself. */
  readonly site: string | null;
  /** An exit that touched the site rests from it for so long, in ms. */
  readonly reuseAfterMs: number;
  /** Clients that may use one exit on the site. */
  readonly clientsPerExit: number;
  /** Sessions that may use one exit on the site. */
  readonly sessionsPerExit: number;
  /** How long a client or session counts after its last use, in ms. */
  readonly forgetAfterMs: number;
}
