/** How a runner ended. */
export type Ended<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: unknown };

/** One that runs already. */
export interface Runner<T> {
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<Ended<T>>;
  /** Calls it off, because another has won; what it may still bring is thrown away. */
  readonly callOff: () => void;
}

/** Runs `first` alone for so many ms; if it has not ended by then, `second` against it, where that makes one. The first success wins
 *  and calls the other off; with none, the failure that came last is the result. Resolves; never rejects. */
export async function raceAgainst<T, R extends Runner<T>>(
  first: R & Runner<T>,
  delayMs: number,
  second: () => R | null,
): Promise<{ readonly runner: R; readonly result: Ended<T> }> {
  const early = await within(first.ended, delayMs);
  if (early !== null) return { runner: first, result: early };
  const rival = second();
  if (rival === null) return { runner: first, result: await first.ended };
  const isFirst = await Promise.race([first.ended.then(() => true), rival.ended.then(() => false)]);
  const [leader, other] = isFirst ? [first, rival] : [rival, first];
  const result = await leader.ended;
  if (!result.ok) return { runner: other, result: await other.ended };
  other.callOff();
  return { runner: leader, result };
}

/** What the promise resolves with, or null if it takes longer than `ms`. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  const result = await Promise.race([promise, late]);
  clearTimeout(timer);
  return result;
}
