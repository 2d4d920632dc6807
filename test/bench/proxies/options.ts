import { parseArgs } from 'node:util';

/** What can be measured, in the order in which it is. */
export const rowNames = [
  'connect',
  'socks5',
  'http',
  'bulk',
  'tls-bulk',
  'pick',
  'start',
  'idle',
  'latency',
  'overload',
  'limits',
  'workers',
] as const;

/** A name for `--only`. */
export type RowName = (typeof rowNames)[number];

/** How much is measured: what bounds a run in time and memory. */
export interface Sizes {
  /** Times that every proxy has its turn. */
  readonly rounds: number;
  /** Of load in one turn. */
  readonly seconds: number;
  /** Of load on each proxy before the first round, so that what compiles as it runs has done so; ends with either. */
  readonly warm: { readonly bytes: number; readonly seconds: number };
  /** A turn of bulk ends with either. */
  readonly bulk: { readonly rounds: number; readonly bytes: number; readonly seconds: number };
  /** Of the gateway with limits and ledger beside the one without, and seconds of load on each of them beforehand: the one that does more
   *  has more to compile, which tells on it for half a minute. */
  readonly limits: { readonly rounds: number; readonly warmSeconds: number };
  readonly idleTunnels: number;
  readonly tlsTunnels: number;
  /** Of the rows that take long: idle, overload, start. */
  readonly slowRounds: number;
  /** Whether all proxies have a part in latency, overload and idle, or floor and Squid alone. */
  readonly everyPeer: boolean;
  /** Exits of the large pool whose start is timed, and the kinds of entries that bring them. */
  readonly startExits: number;
  readonly startKinds: readonly ('list' | 'template')[];
  /** No row begins later than this. */
  readonly lastBeginSeconds: number;
}

const full: Sizes = {
  rounds: 5,
  seconds: 3,
  warm: { bytes: 100e6, seconds: 15 },
  bulk: { rounds: 9, bytes: 10e9, seconds: 30 },
  limits: { rounds: 9, warmSeconds: 40 },
  idleTunnels: 9_000,
  tlsTunnels: 2_000,
  slowRounds: 3,
  everyPeer: true,
  startExits: 1_000_000,
  startKinds: ['list', 'template'],
  lastBeginSeconds: 7_200,
};

const quick: Sizes = {
  rounds: 3,
  seconds: 1,
  warm: { bytes: 20e6, seconds: 5 },
  bulk: { rounds: 3, bytes: 1e9, seconds: 3 },
  limits: { rounds: 3, warmSeconds: 5 },
  idleTunnels: 9_000,
  tlsTunnels: 500,
  slowRounds: 1,
  everyPeer: false,
  startExits: 1_000_000,
  startKinds: ['list'],
  lastBeginSeconds: 240,
};

/** What the command line asks for. */
export interface Options {
  readonly quick: boolean;
  readonly check: boolean;
  readonly rows: readonly RowName[];
  readonly sizes: Sizes;
  /** The folder for figures and chart; null where none are to be written. */
  readonly out: string | null;
}

/** What `--help` shows. */
export const usage = `npm run bench -- [--quick] [--only ROW,…] [--out FOLDER]
npm run bench -- --check

  --quick         fewer and shorter rounds: within five minutes
  --only ROW,…    of ${rowNames.join(', ')}
  --out FOLDER    where figures.json and ratios.svg go; those of all rows, unless quick, go to test/bench/results without it
  --check         compares the CPU per exchange with reference proxies, by the bounds in margins.json; ends with 1 where worse`;

/** Reads the command line. Throws an Error that tells what is wrong with it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      only: { type: 'string' },
      out: { type: 'string' },
    },
  });
  if (values.check && values.only !== undefined) throw new Error('--check chooses its rows itself, by margins.json');
  return {
    quick: values.quick,
    check: values.check,
    rows: values.only === undefined ? rowNames : values.only.split(',').map(rowNamed),
    sizes: values.quick || values.check ? quick : full,
    out: values.out ?? (values.only === undefined && !values.check && !values.quick ? 'test/bench/results' : null),
  };
}

function rowNamed(text: string): RowName {
  const name = rowNames.find((one) => one === text);
  if (name === undefined) throw new Error(`--only ${text}: expected some of ${rowNames.join(', ')}`);
  return name;
}
