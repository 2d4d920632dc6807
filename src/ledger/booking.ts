/** What is booked, as it goes from the workers to the store: plain values, which are copied on the way. */

/** What a pool's exits cost: a gigabyte (10^9 octets both ways), a request, an exit for a month. */
export interface BookedPrice {
  readonly perGB: number;
  readonly perRequest: number;
  readonly perIpMonth: number;
  readonly currency: string;
}

/** A pool as it was when something was booked. */
export interface BookedPool {
  readonly name: string;
  readonly tier: string;
  readonly price: BookedPrice | null;
}

/** By whom, for what and how: figures of the same are summed. Texts are empty where nothing is known. */
export interface BookingKey {
  readonly client: string;
  readonly tag: string;
  /** A registrable domain, or an address. */
  readonly site: string;
  readonly pool: BookedPool | null;
  /** Of the exit. */
  readonly country: string;
  /** How an exchange ended, or an attempt that did not serve; see kindOf(). */
  readonly kind: string;
  /** The kind under which its octets were booked before: they move from there. Absent where they are new. */
  readonly movedFrom?: string | undefined;
}

/** What was booked of an attempt in one hour while it ran, and under which kind: its end may turn out to be of another. */
export interface RunningBooking {
  kind: string;
  site: string;
  /** The hour of the Unix epoch. */
  hour: number;
  sent: number;
  received: number;
}

/** What is summed. Octets are those at the exits' sockets. */
export interface BookedFigures {
  /** Exchanges that ended. */
  exchanges: number;
  /** Attempts that ended. */
  attempts: number;
  /** Attempts among them in which an exit was sent anything: what is paid for by request. */
  requests: number;
  sent: number;
  received: number;
  /** Duration of the exchanges in ms, from their first octet to their last. */
  ms: number;
}

export type Booking = BookingKey & BookedFigures;

/** In place of sites and tags beyond what is told apart; no site and no tag is written so. */
export const OTHER = '(other)';

/** Attempts that another has overtaken. */
export const OVERTAKEN = 'overtaken';

/** Probes of exits, which are nobody's exchange. */
export const PROBE = 'probe';

/** What exits cost by the month, which is no end of anything. */
export const HELD = 'held';

/** Exchanges that their site refused or challenged. */
export const BLOCKED = 'blocked';

/** Lines as they are posted and stored. */
export interface LoggedLines {
  readonly count: number;
  /** Wall clock in ms that their times are told from. */
  readonly since: number;
  /** The octets of each id, and then numbers, seven bits in an octet, the lowest first, and the eighth bit where more follows: index
   *  of the booking in the batch, ms since `since`, duration in ms, octets sent and received, attempts. */
  readonly octets: Uint8Array<ArrayBuffer>;
  /** What is known of why, by the index of the line: of a few of them. */
  readonly whys: Readonly<Record<number, string>>;
}

export const NO_LINES: LoggedLines = { count: 0, since: 0, octets: new Uint8Array(), whys: {} };

/** A tunnel that goes on outside of JavaScript where its worker dies. */
export interface LastingTunnel {
  /** What names it to all threads; see RelayHandle. */
  readonly handle: number;
  readonly host: string;
  /** On the monotonic clock that all threads share, in ms. */
  readonly startedAt: number;
}

/** Numbers that tell what is booked of one such tunnel: its handle; the index in its batch of what it is booked under; 1 where it counts
 *  against quotas, else 0; octets sent and received, of those that its relay counts. */
export const LOOK_FIELDS = 5;

/** What became of such tunnels since. There may be tens of thousands that move something each second: of those no objects are made. */
export interface TunnelNews {
  readonly begun: readonly LastingTunnel[];
  /** LOOK_FIELDS for each of which something was booked, or that has begun. */
  readonly looks: Float64Array;
  /** Their handles. */
  readonly ended: readonly number[];
}

/** What one worker booked in a while. */
export interface BookingBatch {
  readonly bookings: readonly Booking[];
  /** Lines of the log of exchanges. An exchange has one when it ends; each attempt that did not serve has one before. */
  readonly lines: LoggedLines;
  /** Lines that the log doesn't get, because there were too many. */
  readonly linesLost: number;
  /** Absent where there is none. */
  readonly tunnels?: TunnelNews | undefined;
}
