import type { Words } from '../../src/memory/words.ts';

/** An access to a word, about to be made. */
export interface Access {
  readonly word: number;
  readonly writes: boolean;
}

/** Someone who works on shared words: `open` makes its own view of them, then its operations run one after another. They may
 *  depend on nothing but the words and what `open` made, because they are run again and again. */
export interface Actor<T> {
  readonly open: (words: Words) => T;
  readonly operations: readonly ((view: T) => unknown)[];
  /** All that `view` keeps outside of the words from one operation to the next, beyond what their results tell. */
  readonly kept?: (view: T) => unknown;
  /** Whether the operation that makes this access begins anew with it: nothing that it saw before matters to it any more. */
  readonly forgets?: (access: Access) => boolean;
  /** It may die between any two of its accesses. */
  readonly mortal?: boolean;
}

/** What is explored: two actors (or more) on some words, and who comes after one of them has died. */
export interface Scenario<T> {
  /** The words as they are before. */
  readonly initial: () => Int32Array;
  readonly actors: readonly Actor<T>[];
  /** Starts once an actor has died; works beside those that live. */
  readonly undertaker?: (dead: number) => Actor<T>;
  /** What counts of the words in the end. */
  readonly observe: (words: Words) => unknown;
}

/** What an exploration came upon. */
export interface Explored {
  /** Different states of words and actors. */
  readonly states: number;
  /** Different ends. */
  readonly ends: number;
  /** Ends that no sequential order of the same operations comes to, as text. */
  readonly strange: readonly string[];
}

class Suspended extends Error {}

/** Words without sharing, for what happens outside of schedules. */
export class PlainWords implements Words {
  readonly #memory: Int32Array;

  constructor(memory: Int32Array) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#memory.length;
  }

  load(index: number): number {
    return this.#memory[index]!;
  }

  store(index: number, value: number): void {
    this.#memory[index] = value;
  }

  add(index: number, by: number): number {
    const before = this.#memory[index]!;
    this.#memory[index] = before + by;
    return before;
  }

  compareExchange(index: number, expected: number, value: number): number {
    const before = this.#memory[index]!;
    if (before === expected) this.#memory[index] = value;
    return before;
  }
}

/** Words that answer from a record of earlier answers, then allow so many accesses for real, and suspend whoever wants more. */
class PermittedWords implements Words {
  #words: Words;
  readonly #answers: number[];
  readonly #forgets: (access: Access) => boolean;
  #permits = -1;
  /** The access with which it began anew. */
  anew = 0;
  /** How many accesses there were. */
  accesses = 0;
  /** The access that was not allowed any more. */
  wanted: Access | null = null;
  /** Whether the last access changed a word. */
  wrote = false;

  constructor(image: Int32Array, answers: number[], forgets: (access: Access) => boolean) {
    this.#words = new PlainWords(image.slice());
    this.#answers = answers;
    this.#forgets = forgets;
  }

  /** From now on each access counts. */
  permit(memory: Int32Array, permits: number): void {
    this.#words = new PlainWords(memory);
    this.#permits = permits;
  }

  get length(): number {
    return this.#words.length;
  }

  load(index: number): number {
    return this.#step({ word: index, writes: false }, () => this.#words.load(index));
  }

  store(index: number, value: number): void {
    this.#step({ word: index, writes: true }, () => {
      this.#words.store(index, value);
      return 0;
    });
  }

  add(index: number, by: number): number {
    return this.#step({ word: index, writes: true }, () => this.#words.add(index, by));
  }

  compareExchange(index: number, expected: number, value: number): number {
    return this.#step({ word: index, writes: true }, () => {
      const before = this.#words.compareExchange(index, expected, value);
      if (before !== expected) this.wrote = false;
      return before;
    });
  }

  #step(access: Access, carryOut: () => number): number {
    if (this.#permits < 0) return carryOut();
    if (this.#forgets(access)) this.anew = this.accesses;
    const known = this.#answers[this.accesses];
    if (known !== undefined) {
      this.accesses++;
      return known;
    }
    // What runs while the suspension unwinds has no effect either.
    if (this.#permits === 0) {
      this.wanted ??= access;
      throw new Suspended();
    }
    this.#permits--;
    this.wrote = access.writes;
    const answer = carryOut();
    this.#answers.push(answer);
    this.accesses++;
    return answer;
  }
}

interface Progress {
  readonly actor: number | 'undertaker';
  /** The words when it began. */
  readonly image: Int32Array;
  readonly answers: readonly number[];
  readonly results: readonly unknown[];
  /** For each operation that has begun: how many operations of each actor had ended before. */
  readonly before: readonly (readonly number[])[];
  /** Null once it is over. */
  readonly next: Access | null;
  /** Its next access is the first of an operation. */
  readonly begins: boolean;
  /** Its last access changed a word, or it has made none: dying later, but before the next change, is no other death. */
  readonly mayDie: boolean;
  /** All that decides how it goes on and what is judged in the end. */
  readonly identity: string;
}

interface State {
  readonly memory: Int32Array;
  readonly progress: readonly Progress[];
  readonly dead: number | null;
}

/** Which words each actor was ever seen to read or to write. */
class Footprints {
  readonly #reads = new Map<Progress['actor'], Set<number>>();
  readonly #writes = new Map<Progress['actor'], Set<number>>();
  grown = false;

  note(actor: Progress['actor'], { word, writes }: Access): void {
    const of = writes ? this.#writes : this.#reads;
    const words = of.get(actor) ?? new Set();
    if (words.has(word)) return;
    this.grown = true;
    of.set(actor, words.add(word));
  }

  /** Whether an access of somebody else's and any of this actor's could matter to one another. */
  conflicts(actor: Progress['actor'], { word, writes }: Access): boolean {
    return this.#writes.get(actor)?.has(word) === true || (writes && this.#reads.get(actor)?.has(word) === true);
  }
}

/** Runs every schedule of the actors, access by access, and compares each end with the ends of all sequential orders that respect
 *  which operation was over before another began. An actor that dies leaves one operation undone, or done: both are allowed.
 *
 *  Complete, and yet short: states that were met before are not gone through again, and an access to a word in which nobody else
 *  takes an interest is made at once, since its order among the others' shows nowhere. Who takes an interest in what is found
 *  out by exploring until nothing new turns up: the first access that breaks an assumption is met under that assumption, too. */
export function exploreSchedules<T>(scenario: Scenario<T>): Explored {
  const footprints = new Footprints();
  for (;;) {
    footprints.grown = false;
    const explored = explore(scenario, footprints);
    if (!footprints.grown) return explored;
  }
}

function explore<T>(scenario: Scenario<T>, footprints: Footprints): Explored {
  const first = scenario.initial();
  const progress = scenario.actors.map((_, index) => begin(scenario, { actor: index, image: first, dead: null }));
  const open: State[] = [{ memory: first, progress, dead: null }];
  const seen = new Set<string>();
  const ends = new Set<string>();
  const strange: string[] = [];
  const orders = new SequentialOrders(scenario);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const next of successors(scenario, state, footprints)) if (isNew(seen, next)) open.push(next);
    const { memory, progress, dead } = state;
    if (!progress.every(({ next }, index) => next === null || index === dead)) continue;
    const end = JSON.stringify([progress.map(told), dead, observed(scenario, memory)]);
    if (ends.has(end)) continue;
    ends.add(end);
    if (!orders.explain(state)) strange.push(end);
  }
  return { states: seen.size, ends: ends.size, strange };
}

function successors<T>(scenario: Scenario<T>, state: State, footprints: Footprints): State[] {
  const { progress, dead } = state;
  const able = progress.flatMap(({ next }, index) => (next === null || index === dead ? [] : [index]));
  const alone = able.find((index) => isAlone(scenario, state, { index, footprints }));
  const found = (alone === undefined ? able : [alone]).map((index) => {
    const { actor, next } = progress[index]!;
    if (next !== null) footprints.note(actor, next);
    return stepped(scenario, state, index);
  });
  const { undertaker } = scenario;
  if (dead !== null || undertaker === undefined) return found;
  const mortals = able.filter((index) => scenario.actors[index]?.mortal && progress[index]!.mayDie);
  return [...found, ...mortals.map((index) => died(scenario, state, index))];
}

/** Whether the next access of an actor can be made at once, whatever the others do next. The beginning of an operation is left
 *  where it is, because it decides which orders are allowed. */
function isAlone<T>(
  scenario: Scenario<T>,
  { progress, dead }: State,
  { index, footprints }: { index: number; footprints: Footprints },
): boolean {
  const { actor, next, begins } = progress[index]!;
  if (next === null || begins) return false;
  const others = progress.filter((other, at) => at !== index && at !== dead && other.next !== null);
  const mayCome = dead === null && scenario.actors.some(({ mortal }, at) => mortal && at !== actor);
  const concerned = [...others.map((other) => other.actor), ...(mayCome ? (['undertaker'] as const) : [])];
  return !concerned.some((other) => footprints.conflicts(other, next));
}

/** What is known of an actor that does nothing more. */
const told = ({ results, before }: Pick<Progress, 'results' | 'before'>) => JSON.stringify([results, before]);

const observed = <T>(scenario: Scenario<T>, memory: Int32Array) => scenario.observe(new PlainWords(memory.slice()));

function actorOf<T>(scenario: Scenario<T>, actor: Progress['actor'], dead: number | null): Actor<T> {
  return actor === 'undertaker' ? scenario.undertaker!(dead!) : scenario.actors[actor]!;
}

interface Beginning {
  readonly actor: Progress['actor'];
  readonly image: Int32Array;
  readonly dead: number | null;
}

function begin<T>(scenario: Scenario<T>, { actor, image, dead }: Beginning): Progress {
  const blank = { actor, image, answers: [], results: [], before: [] };
  return proceed(actorOf(scenario, actor, dead), { from: blank, memory: image, ended: null });
}

/** The state after an actor's death. */
function died<T>(scenario: Scenario<T>, { memory, progress }: State, index: number): State {
  const buried = { ...progress[index]!, identity: told(progress[index]!) };
  const undertaker = begin(scenario, { actor: 'undertaker', image: memory, dead: index });
  return { memory, progress: [...progress.with(index, buried), undertaker], dead: index };
}

/** The state after one more access of one actor. */
function stepped<T>(scenario: Scenario<T>, state: State, index: number): State {
  const memory = state.memory.slice();
  const from = state.progress[index]!;
  const ended = state.progress.map((each) => each.results.length);
  const one = proceed(actorOf(scenario, from.actor, state.dead), { from, memory, ended });
  return { memory, progress: state.progress.with(index, one), dead: state.dead };
}

interface Point {
  readonly from: Pick<Progress, 'actor' | 'image' | 'answers' | 'results' | 'before'>;
  readonly memory: Int32Array;
  /** Operations of each actor that have ended by now; null to look no further than the first access. */
  readonly ended: readonly number[] | null;
}

/** Runs an actor anew up to where it was, lets it make one access more, and sees what it wants next. */
function proceed<T>({ open, operations, kept, forgets }: Actor<T>, { from, memory, ended }: Point): Progress {
  const answers = [...from.answers];
  const words = new PermittedWords(from.image, answers, forgets ?? (() => false));
  const view = open(words);
  words.permit(memory, ended === null ? 0 : 1);
  const results: unknown[] = [];
  let start = 0;
  try {
    for (const operation of operations) {
      start = words.accesses;
      results.push(operation(view));
    }
  } catch (cause) {
    if (!(cause instanceof Suspended)) throw cause;
  }
  const next = results.length === operations.length ? null : words.wanted;
  const begins = words.accesses === start;
  const begun = results.length + (next !== null && !begins ? 1 : 0);
  const before = from.before.length < begun && ended !== null ? [...from.before, ended] : from.before;
  const rest = next === null ? '' : JSON.stringify([kept?.(view), begins, answers.slice(Math.max(start, words.anew))]);
  const identity = told({ results, before }) + rest;
  return { ...from, answers, results, before, next, begins, mayDie: words.wrote || ended === null, identity };
}

function isNew(seen: Set<string>, { memory, progress, dead }: State): boolean {
  let key = `${dead}`;
  for (const { identity, mayDie } of progress) key += `|${identity}${mayDie}`;
  memory.forEach((value, index) => {
    if (value !== 0) key += `,${index}:${value}`;
  });
  const size = seen.size;
  return seen.add(key).size > size;
}

/** Ends of sequential orders, each worked out once. */
class SequentialOrders<T> {
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
