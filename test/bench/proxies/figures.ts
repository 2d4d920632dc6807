/** One proxy's figures in a row, in the row's unit: one for each round, null in a round that it had no part in. */
export interface Series {
  readonly peer: string;
  readonly samples: readonly (number | null)[];
}

/** What a figure should be: at most or at least so much, by itself or (`over`) as a ratio to another's in the same round. */
export interface Goal {
  readonly peer: string;
  readonly over?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** What was measured of one thing. The first series is the one that ratios are told of. */
export interface Figures {
  readonly row: string;
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly goals: readonly Goal[];
  /** What a reader has to know: who is missing, what limited it. */
  readonly notes: readonly string[];
}

/** The least, the median and the greatest of some figures. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly greatest: number;
}

/** The spread of those samples that are there; null where none is. */
export function spreadOf(samples: readonly (number | null)[]): Spread | null {
  const sorted = samples
    .filter((value): value is number => value !== null && Number.isFinite(value))
    .sort((a, b) => a - b);
  const [least, greatest] = [sorted[0], sorted.at(-1)];
  if (least === undefined || greatest === undefined) return null;
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? greatest;
  const lower = sorted[Math.ceil(middle) - 1] ?? least;
  return { least, median: (lower + upper) / 2, greatest };
}

/** The ratios of two series round by round: what was measured at about the same time is compared. A ratio to nothing is null. */
export function ratiosOf(over: Series, under: Series): (number | null)[] {
  return over.samples.map((value, round) => {
    const other = under.samples[round] ?? null;
    return value === null || other === null || other <= 0 ? null : value / other;
  });
}

/** A goal's figure and whether it is met; null where it wasn't measured. */
export function judge(
  goal: Goal,
  series: readonly Series[],
): { readonly figure: Spread; readonly met: boolean } | null {
  const own = series.find(({ peer }) => peer === goal.peer);
  const other = series.find(({ peer }) => peer === goal.over);
  if (own === undefined || (goal.over !== undefined && other === undefined)) return null;
  const figure = spreadOf(other === undefined ? own.samples : ratiosOf(own, other));
  if (figure === null) return null;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = goal;
  return { figure, met: figure.median <= atMost && figure.median >= atLeast };
}
