import { PlainWords } from './permitted-words.ts';
import { actorOf, observed, type Progress, type Scenario, type State } from './scenario.ts';

/** Ends of sequential orders, each worked out once. */
export class SequentialOrders<T> {
  readonly #scenario: Scenario<T>;
  readonly #ends = new Map<string, string>();

  constructor(scenario: Scenario<T>) {
    this.#scenario = scenario;
  }

  /** Whether some order of the operations comes to the same results and the same words. */
  explain({ progress, dead, memory }: State): boolean {
    const wanted = JSON.stringify([progress.map(({ results }) => results), observed(this.#scenario, memory)]);
    const doneCounts = progress.map(({ results }) => results.length);
    const options = [doneCounts];
    if (dead !== null && progress[dead]!.before.length > doneCounts[dead]!)
      options.push(doneCounts.with(dead, doneCounts[dead]! + 1));
    return options.some((counts) =>
      ordersOf(counts, (actor, done) => mayRun(progress, { actor, done, counts, dead })).some(
        (order) => this.#endOf(order, { doneCounts, dead }) === wanted,
      ),
    );
  }

  #endOf(
    order: readonly number[],
    { doneCounts, dead }: { doneCounts: readonly number[]; dead: number | null },
  ): string {
    const key = JSON.stringify([order, doneCounts, dead]);
    const known = this.#ends.get(key);
    if (known !== undefined) return known;
    const memory = this.#scenario.initial();
    const words = new PlainWords(memory);
    const views: (T | undefined)[] = this.#scenario.actors.map(({ open }) => open(words));
    const results: unknown[][] = doneCounts.map(() => []);
    for (const actor of order) {
      const role = actor < this.#scenario.actors.length ? actor : 'undertaker';
      const { open, operations } = actorOf(this.#scenario, role, dead);
      views[actor] ??= open(words);
      const done = results[actor]!;
      done.push(operations[done.length]!(views[actor]));
    }
    // Nobody learns what the dead one's last operation came to.
    const told = results.map((each, actor) => each.slice(0, doneCounts[actor]));
    const end = JSON.stringify([told, observed(this.#scenario, memory)]);
    this.#ends.set(key, end);
    return end;
  }
}

interface Turn {
  readonly actor: number;
  /** Operations of each actor that are done already, of so many. */
  readonly done: readonly number[];
  readonly counts: readonly number[];
  readonly dead: number | null;
}

/** Whether all that must be done before an actor's next operation is done: what was over before it began, and for the undertaker
 *  all that the dead one ever did. */
function mayRun(progress: readonly Progress[], { actor, done, counts, dead }: Turn): boolean {
  const one = progress[actor]!;
  if (one.actor === 'undertaker' && done[dead!] !== counts[dead!]) return false;
  const before = one.before[done[actor]!] ?? [];
  return before.every((count, other) => other === actor || done[other]! >= count);
}

/** All orders in which actors can do so many operations each. */
function ordersOf(counts: readonly number[], mayRun: (actor: number, done: readonly number[]) => boolean): number[][] {
  const orders: number[][] = [];
  const extend = (order: number[], done: readonly number[]): void => {
    if (done.every((count, actor) => count === counts[actor])) orders.push(order);
    for (const [actor, count] of counts.entries()) {
      if (done[actor]! >= count || !mayRun(actor, done)) continue;
      extend([...order, actor], done.with(actor, done[actor]! + 1));
    }
  };
  extend(
    [],
    counts.map(() => 0),
  );
  return orders;
}
