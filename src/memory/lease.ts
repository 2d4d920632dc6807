/** The four words by which a session is found: a keyed hash of its client and name. */
export type LeaseKey = readonly [number, number, number, number];

/** What a session holds. */
export interface Hold {
  /** Its exit's slot; -1 where that exit wasn't among the exits when the lease was restored. */
  readonly slot: number;
  /** The slot's generation when it was leased: where it is another by now, the exit is gone. */
  readonly generation: number;
  /** What the exit was minted from: 32 random bits, other ones at each move. */
  readonly mint: number;
}

/** Which exit a session is thought to hold. */
export type HeldExit = Pick<Hold, 'slot' | 'generation'> & Partial<Pick<Hold, 'mint'>>;

/** A session's hold on an exit, as of a moment. Durations are in ms. */
export interface Lease extends Hold {
  readonly ageMs: number;
  /** Since it has held this exit. */
  readonly heldMs: number;
  /** Until it ends whatever its use; Infinity where it doesn't. */
  readonly endsInMs: number;
  /** It ends when it has not been used for this long; Infinity where it doesn't. */
  readonly idleMs: number;
  /** Since its last use. */
  readonly restedMs: number;
  /** The session must not move to another exit: where its exit is gone the caller answers `session_lost`. */
  readonly strict: boolean;
  /** An exchange has succeeded over this exit: from then on a strict session stays or fails. */
  readonly confirmed: boolean;
  /** The exit has failed this session, which has not moved yet. */
  readonly failed: boolean;
  /** How often it has moved. */
  readonly moves: number;
  /** Where its exit stands: country code, lower-case, and autonomous system; empty and 0 where unknown. */
  readonly country: string;
  readonly asn: number;
}

/** The exit that a session is given. */
export interface LeasedExit extends Hold {
  readonly exit: string;
  readonly country: string;
  readonly asn: number;
}

/** What a new lease is made of. `ttlMs` counts from its creation; Infinity for no end. Names are cut to what a record holds. */
export interface LeaseTerms extends LeasedExit {
  readonly ttlMs: number;
  readonly idleMs: number;
  readonly strict: boolean;
  readonly client: string;
  readonly session: string;
}

/** All of a lease: for operators and for the disk. */
export interface LeaseEntry extends Lease {
  readonly key: LeaseKey;
  readonly exit: string;
  readonly client: string;
  readonly session: string;
}
