import { type By, catalogue } from '../errors.ts';
import type { EndKind, Phase } from './access-record.ts';
import { BUCKETS } from './durations.ts';

/** Where each figure of a worker's counters stands. */

export const modes = ['forward', 'connect', 'socks5'] as const;

/** How the client of an exchange asked. */
export type CountedMode = (typeof modes)[number];

export const phases = ['admit', 'attempt', 'relay'] as const satisfies readonly Phase[];

/** How an exchange or an attempt can end. */
export const endKinds = ['ok', 'client_left', ...Object.keys(catalogue)] as readonly EndKind[];

/** Who can be to blame for an end; nobody where all went well, or nobody can tell. */
export const blamed = ['nobody', 'client', 'gateway', 'exit', 'origin'] as const satisfies readonly (By | 'nobody')[];

/** Who is to blame for an end. */
export type Blamed = (typeof blamed)[number];

const kindNumbers = new Map(endKinds.map((kind, number) => [kind, number]));
const modeNumbers = { forward: 0, connect: 1, socks5: 2 } as const satisfies Record<CountedMode, number>;
const blamedNumbers = { nobody: 0, client: 1, gateway: 2, exit: 3, origin: 4 } as const satisfies Record<
  Blamed,
  number
>;
const phaseNumbers = { admit: 0, attempt: 1, relay: 2 } as const satisfies Record<Phase, number>;

export const RUNNING = 0;
export const CLIENT_TO_ORIGIN = 1;
export const ORIGIN_TO_CLIENT = 2;
export const CONNECTIONS_REFUSED = 3;
export const LINES_DROPPED = 4;
export const OVERLOADS = 5;
const FIRST_ATTEMPT = 6;
const FIRST_MODE = FIRST_ATTEMPT + endKinds.length;

/** Of a mode: ends of each kind, those that were cut, and the durations of each phase. */
const CUT = endKinds.length;
const FIRST_PHASE = CUT + 1;
/** Of a phase: its buckets, and the sum. */
const PHASE_COLUMNS = BUCKETS + 1;
const MODE_COLUMNS = FIRST_PHASE + phases.length * PHASE_COLUMNS;

/** Pools that are counted by themselves, the first of all that were ever named: their names are labels, of which there must not
 *  be any number. */
const POOLS = 256;
/** How late the event loop was: the first bucket; the others follow, and the sum. */
export const FIRST_LAG = FIRST_MODE + modes.length * MODE_COLUMNS;
const FIRST_POOL = FIRST_LAG + PHASE_COLUMNS;
/** Of a pool: ends by who is to blame, and octets each way. */
const POOL_OCTETS = blamed.length;
const POOL_COLUMNS = POOL_OCTETS + 2;

/** A cache line that nobody uses ends each worker's row, so that none slows down the next. */
const PADDING = 8;

/** Figures that a worker has. */
export const COLUMNS = FIRST_POOL + POOLS * POOL_COLUMNS + PADDING;

/** Attempts that ended so. */
export const attemptColumn = (kind: EndKind): number => FIRST_ATTEMPT + (kindNumbers.get(kind) ?? 0);

const modeColumn = (mode: CountedMode): number => FIRST_MODE + modeNumbers[mode] * MODE_COLUMNS;

/** Exchanges of a mode that ended so. */
export const endColumn = (mode: CountedMode, kind: EndKind): number => modeColumn(mode) + (kindNumbers.get(kind) ?? 0);

/** Exchanges of a mode whose message was cut. */
export const cutColumn = (mode: CountedMode): number => modeColumn(mode) + CUT;

/** The first bucket of a phase; the others follow. */
export const phaseColumn = (mode: CountedMode, phase: Phase): number =>
  modeColumn(mode) + FIRST_PHASE + phaseNumbers[phase] * PHASE_COLUMNS;

/** Behind a phase's first bucket: the sum of its durations, in ms. */
export const PHASE_SUM = BUCKETS;

/** Whether the pool of this number is counted by itself. */
export const isCounted = (pool: number): boolean => pool >= 0 && pool < POOLS;

/** Exchanges over a pool that is counted, by who is to blame. */
export const poolEndColumn = (pool: number, by: Blamed): number => FIRST_POOL + pool * POOL_COLUMNS + blamedNumbers[by];

/** Octets over a pool that is counted, from the client to the origin; those the other way follow. */
export const poolOctetsColumn = (pool: number): number => FIRST_POOL + pool * POOL_COLUMNS + POOL_OCTETS;
