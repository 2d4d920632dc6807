/** One number that a rule of selection turns on. */
export interface Parameter {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  /** What it does, and what speaks for its value. */
  readonly why: string;
}

const parameter = (value: number, [least, most]: readonly [number, number], unit: string, why: string): Parameter => ({
  value,
  least,
  most,
  unit,
  why,
});

/** Every number that the learned selection turns on. `selection` in the configuration takes each by its name; `spread` and
 *  `money` are meant for everyone, the rest for the brave. */
export const parameterTable = Object.freeze({
  spread: parameter(
    0.00005,
    [0, 1],
    'share of the price',
    'dearer by this for each use of the exit in the last quarter of an hour or so: more of it uses more exits, more evenly',
  ),
  money: parameter(
    1_000,
    [0, 1e9],
    's per unit of currency',
    'what a unit of the pool’s currency is worth in waiting time; 0 for selection by time alone',
  ),

  uniform: parameter(
    2,
    [1, 32],
    'exits',
    'drawn from the whole list for each pick: finds what nobody knows yet. 3 of them and 3 `served` cost a sixth more per pick, and their pages take as long within .005 of the best possible, over nine seeds in ten simulated pools',
  ),
  fast: parameter(
    5,
    [0, 32],
    'exits',
    'drawn from those remembered as fast; without them picks take twice as long to serve a page in large pools',
  ),
  served: parameter(
    2,
    [0, 32],
    'exits',
    'drawn from those that the site served lately, once it was seen to refuse; see `uniform` for a third',
  ),
  more: parameter(2, [0, 32], 'exits', 'drawn in addition for a retry or a session, which have more to lose'),
  further: parameter(18, [0, 256], 'exits', 'drawn in addition at most where none so far is any good'),
  scan: parameter(24, [0, 1024], 'exits', 'a list no longer than this is looked at whole'),
  ring: parameter(80, [8, 4096], 'exits', 'remembered as fast for each filter'),
  servedRing: parameter(256, [8, 4096], 'exits', 'remembered as served for each site and filter'),
  curiosity: parameter(
    0.6,
    [0, 4],
    'standard deviations',
    'how far what is not known of an exit may speak for it: what makes it worth trying new ones',
  ),

  diversity: parameter(
    0.25,
    [0, 4],
    'variance of ln',
    'how much exits of one group differ in latency: medians within a country spread by a factor of 1.6',
  ),
  noise: parameter(0.15, [0.001, 4], 'variance of ln', 'how much answers over one exit differ'),
  drift: parameter(0.0004, [0, 1], 'variance of ln per s', 'how fast what is known of an exit grows old'),

  crowding: parameter(
    3,
    [0, 100],
    '',
    'price of what one more exchange adds to a queue: its own wait is 1 of it, that of those beside it 2',
  ),
  evidence: parameter(900_000, [1_000, 86_400_000], 'ms', 'half-life of an exit’s successes and failures'),
  prior: parameter(3, [0.1, 100], 'attempts', 'its group’s record counts as so many of an exit’s own'),
  life: parameter(
    1_800_000,
    [1_000, 864_000_000],
    'ms',
    'how long a residential exit lives on average (vendors: 10 to 30 minutes)',
  ),
  notice: parameter(30_000, [0, 3_600_000], 'ms', 'how long after an exit died its pool still lists it, at most'),

  refusalCost: parameter(1_500, [0, 600_000], 'ms', 'what a refused page costs beyond its time'),
  failureCost: parameter(300, [0, 600_000], 'ms', 'what a failed way costs beyond its time'),
  stakes: parameter(
    4_000,
    [0, 600_000],
    'ms',
    'what each attempt that has failed adds to the cost of another failure: the last one loses the page',
  ),
  breakCost: parameter(3_000, [0, 600_000], 'ms', 'what it costs a session to lose its exit'),
  sessionAhead: parameter(180_000, [0, 86_400_000], 'ms', 'how far ahead a session looks at most'),

  window: parameter(
    120_000,
    [1_000, 86_400_000],
    'ms',
    'memory of uses of a pair exit × site; sites count per minute or five',
  ),
  headroom: parameter(0.6, [0.01, 1], 'share', 'of a site’s learned limit that may be used before the odds fall'),
  overuse: parameter(6, [0, 100], '', 'how fast the odds fall beyond that'),
  wear: parameter(200, [0, 60_000], 'ms', 'price of each doubling of a pair’s uses'),
  scarcity: parameter(1, [0, 10], '', 'how much dearer uses are where every exit is used often'),
  firstCool: parameter(240_000, [1_000, 86_400_000], 'ms', 'first guess of how long a site refuses an exit'),
  firstPause: parameter(15_000, [0, 3_600_000], 'ms', 'pause after one refusal, which may be a passing challenge'),
  cut: parameter(0.15, [0, 0.9], 'share', 'step down of a learned limit'),
  grow: parameter(0.002, [0, 0.5], 'share', 'step up of a learned limit for each page served near it'),
  relax: parameter(0.1, [0, 10], 'share per minute', 'by which a learned limit grows while nothing confirms it'),
  rebind: parameter(1.05, [0.1, 10], 'share', 'of the learned limit at which a session moves before the site ends it'),

  poor: parameter(0.25, [0, 1], 'odds', 'below which an exit is no good for the site: look further, then hold'),
  never: parameter(0.08, [0, 1], 'odds', 'below which the site is never asked: knocking during a ban prolongs it'),
  holdFor: parameter(10_000, [0, 600_000], 'ms', 'how long an exchange is held at most while every exit is poor'),
  holdStep: parameter(200, [1, 60_000], 'ms', 'after which a held exchange asks again'),

  patience: parameter(
    2.2,
    [1, 100],
    'share',
    'an attempt that another may follow is given up after this times what nineteen of twenty answers take',
  ),
  leastPatience: parameter(2_000, [1, 600_000], 'ms', 'and not before this: a lost packet alone costs a second'),
  hedgeShare: parameter(0.05, [0, 1], 'share', 'of exchanges that may be raced by a second exit'),
  hedgeOctets: parameter(
    0.05,
    [0, 1],
    'share',
    'of the octets carried that second exits may be expected to carry: traffic is what vendors charge for',
  ),
  leastHedge: parameter(300, [1, 600_000], 'ms', 'an exchange is not raced before this'),
} satisfies Record<string, Parameter>);

/** The parameters' names. */
export type ParameterName = keyof typeof parameterTable;

/** A value for each parameter. */
export type Parameters = Readonly<Record<ParameterName, number>>;

/** The parameters as they are unless told otherwise, with `changes` in place of some. */
export function parametersOf(changes: Partial<Parameters> = {}): Parameters {
  const defaults = Object.entries(parameterTable).map(([name, { value }]) => [name, value]);
  return Object.freeze({ ...Object.fromEntries(defaults), ...changes }) as Parameters;
}
