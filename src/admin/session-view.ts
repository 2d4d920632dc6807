import type { LeaseEntry } from '../memory/lease.ts';

/** A session as it is shown to an operator. Durations in ms, null where there is no end. Names are as the client wrote them. */
export interface SessionView {
  readonly client: string;
  readonly session: string;
  /** The exit that it holds. */
  readonly exit: string;
  /** The pool of that exit; null where it is no exit any more. */
  readonly pool: string | null;
  readonly country: string | null;
  readonly asn: number | null;
  readonly strict: boolean;
  /** `held`: the exit has served it; `chosen`: not yet; `leaving`: the exit failed it; `gone`: it is no exit any more. */
  readonly state: 'held' | 'chosen' | 'leaving' | 'gone';
  readonly moves: number;
  readonly ageMs: number;
  readonly restedMs: number;
  readonly endsInMs: number | null;
  readonly idleMs: number | null;
}

/** `pool` is that of its exit, null where that is gone. */
export function sessionView(lease: LeaseEntry, pool: string | null): SessionView {
  const { client, session, exit, strict, moves, ageMs, restedMs } = lease;
  return {
    client,
    session,
    exit,
    pool,
    country: lease.country || null,
    asn: lease.asn || null,
    strict,
    state: stateOf(lease, pool),
    moves,
    ageMs: Math.round(ageMs),
    restedMs: Math.round(restedMs),
    endsInMs: finite(lease.endsInMs),
    idleMs: finite(lease.idleMs),
  };
}

function stateOf({ failed, confirmed }: LeaseEntry, pool: string | null): SessionView['state'] {
  if (pool === null) return 'gone';
  if (failed) return 'leaving';
  return confirmed ? 'held' : 'chosen';
}

const finite = (ms: number): number | null => (ms === Number.POSITIVE_INFINITY ? null : Math.round(ms));

/** Some of the sessions, and how it stands with all. */
export interface SessionList {
  readonly sessions: readonly SessionView[];
  /** How many more there are that were asked for. */
  readonly more: number;
  /** Sessions that were ended because there was no room for all, and those that found none. */
  readonly evicted: number;
  readonly refused: number;
}
