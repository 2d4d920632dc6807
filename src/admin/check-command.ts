import Type from 'typebox';
import type { Price } from '../pool/exit.ts';
import { type Command, command } from './command.ts';

/** Exits that one check looks at, at most. */
export const MOST_CHECKED = 100_000;

/** What one exit was found to be. `ms` and octets as of a probe. */
export interface CheckedExit {
  readonly exit: string;
  readonly pool: string;
  /** `scheme://host:port`. */
  readonly endpoint: string;
  /** As its pool says. */
  readonly country: string | null;
  /** `page`, `tunnel` or `handshake`. */
  readonly asked: string;
  /** `ok`, or why not. */
  readonly kind: string;
  readonly detail: string | null;
  /** Whether it is the exit that failed. */
  readonly dead: boolean;
  readonly ms: number;
  readonly status: number | null;
  readonly sent: number;
  readonly received: number;
  readonly address: string | null;
  readonly seenCountry: string | null;
  readonly seenAsn: string | null;
  readonly mismatch: string | null;
}

/** What a check would be. */
export interface CheckPlan {
  readonly pools: readonly {
    readonly pool: string;
    readonly exits: number;
    /** Octets over all of its exits: at most, whatever they do; and as a rule. */
    readonly atMost: number;
    readonly usual: number;
    readonly price: Price | null;
  }[];
  /** One that did not come to its end; null where there is none. */
  readonly unfinished: { readonly done: number; readonly at: string } | null;
}

/** How a check goes. */
export interface CheckState {
  readonly check: string;
  readonly total: number;
  readonly done: number;
  /** Of those, found before it was taken up again. */
  readonly before: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly octets: number;
  readonly elapsedMs: number;
  readonly ended: 'finished' | 'stopped' | null;
  /** From the place that was asked for, no more than fit. */
  readonly results: readonly CheckedExit[];
}

const places = {
  pool: Type.Optional(Type.String()),
  /** As in a pool file; absent for what each exit can be asked without one. */
  target: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_CHECKED })),
};

const planned = Type.Object(places, { additionalProperties: false });

const started = Type.Object(
  {
    ...places,
    concurrency: Type.Integer({ minimum: 1, maximum: 1_000 }),
    timeoutMs: Type.Integer({ minimum: 100, maximum: 600_000 }),
    resume: Type.Boolean(),
  },
  { additionalProperties: false },
);

const named = Type.Object({ check: Type.String() }, { additionalProperties: false });
const polled = Type.Object(
  { check: Type.String(), since: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);

export interface CheckScope {
  readonly pool?: string;
  readonly target?: string;
  readonly limit?: number;
}

export interface CheckOrder extends CheckScope {
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Goes on where the last one, of the same scope, was stopped. */
  readonly resume: boolean;
}

/** Who checks exits. All throw CommandError. */
export interface Checks {
  plan(scope: CheckScope): CheckPlan;
  start(order: CheckOrder): CheckState;
  /** A check that nobody asks after for a while is stopped. */
  poll(check: string, since: number): CheckState;
  stop(check: string): Promise<CheckState>;
}

/** `check.plan` → CheckPlan; `check.start`, `check.poll`, `check.stop` → CheckState. */
export function checkCommands(checks: () => Checks): [string, Command][] {
  return [
    ['check.plan', command(planned, (scope) => checks().plan(scope))],
    ['check.start', command(started, (order) => checks().start(order))],
    ['check.poll', command(polled, ({ check, since }) => checks().poll(check, since))],
    ['check.stop', command(named, ({ check }) => checks().stop(check))],
  ];
}
