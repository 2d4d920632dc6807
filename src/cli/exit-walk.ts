import { CommandError } from '../admin/command-error.ts';
import { type ExitSort, sortKey } from '../admin/exit-page.ts';
import type { ExitView } from '../admin/exit-view.ts';
import type { ExitWalk } from '../admin/exit-walk.ts';
import type { Outcome } from './command-spec.ts';
import { remarksOn } from './pool.ts';
import type { Workplace } from './workplace.ts';

/** The arguments of `exit.walk` but `from`, and how many exits of them are wanted in which order. */
export interface WalkOptions {
  readonly sort: ExitSort | undefined;
  readonly limit: number | undefined;
}

/** All exits that are asked for, as they come: neither the gateway nor this command ever holds more than one step of them, unless they
 *  are to be sorted. Throws CommandError. */
export async function walkAll(
  workplace: Workplace,
  { sort, limit = Infinity, ...args }: WalkOptions,
): Promise<Outcome> {
  const step = (from: number) => workplace.run('exit.walk', { ...args, from });
  const { result: first, live } = await step(0);
  const all = stepsOf(first, async (from) => {
    const { result, live: stillLive } = await step(from);
    // The slots of the files are others.
    if (stillLive !== live) throw changedSides();
    return result;
  });
  return {
    items: sort === undefined ? upTo(limit, all) : sorted(all, sort, limit),
    remarks: remarksOn(workplace, live),
  };
}

async function* stepsOf(first: ExitWalk, step: (from: number) => Promise<ExitWalk>) {
  for (let walk = first; ; walk = await step(walk.next)) {
    yield walk.exits;
    if (walk.next === null) return;
  }
}

async function* upTo(limit: number, steps: AsyncIterable<readonly ExitView[]>) {
  let left = limit;
  for await (const exits of steps) {
    yield left < exits.length ? exits.slice(0, left) : exits;
    left -= exits.length;
    if (left <= 0) return;
  }
}

/** Figures change while the walk goes on: each exit's place is by those that are shown. */
async function* sorted(steps: AsyncIterable<readonly ExitView[]>, sort: ExitSort, limit: number) {
  const all: { readonly exit: ExitView; readonly key: number }[] = [];
  for await (const exits of steps) for (const exit of exits) all.push({ exit, key: sortKey(sort, exit.live) });
  all.sort((a, b) => (a.key === b.key ? 0 : a.key - b.key));
  const shown = Math.min(all.length, limit);
  for (let at = 0; at < shown; at += SORTED_AT_ONCE)
    yield all.slice(at, Math.min(shown, at + SORTED_AT_ONCE)).map(({ exit }) => exit);
}

function changedSides(): CommandError {
  return new CommandError({
    code: 'not_answering',
    message: 'the gateway has ended, or started, while its exits were listed',
    remedy: 'list them again',
  });
}

/** So many are printed at once. */
const SORTED_AT_ONCE = 10_000;
