import { type Access, PermittedWords, Suspended } from './permitted-words.ts';
import { type Actor, actorOf, observed, type Progress, type Scenario, type State } from './scenario.ts';
import { SequentialOrders } from './sequential-orders.ts';

export { type ModelWords, PlainWords } from './permitted-words.ts';
export type { Actor, Scenario } from './scenario.ts';

/** What an exploration came upon. */
export interface Explored {
  /** Different states of words and actors. */
  readonly states: number;
  /** Different ends. */
  readonly ends: number;
  /** Ends that no sequential order of the same operations comes to, as text. */
  readonly strange: readonly string[];
}

/** Which words each actor was ever seen to read or to write. */
class Footprints {
  readonly #reads = new Map<Progress['actor'], Set<number>>();
  readonly #writes = new Map<Progress['actor'], Set<number>>();
  grown = false;

  note(actor: Progress['actor'], access: Access): void {
    const of = access.writes ? this.#writes : this.#reads;
    const words = of.get(actor) ?? new Set();
    of.set(actor, words);
    const known = words.size;
    for (const word of wordsOf(access)) words.add(word);
    if (words.size > known) this.grown = true;
  }

  /** Whether an access of somebody else's and any of this actor's could matter to one another. */
  conflicts(actor: Progress['actor'], access: Access): boolean {
    const [reads, writes] = [this.#reads.get(actor), this.#writes.get(actor)];
    return wordsOf(access).some((word) => writes?.has(word) === true || (access.writes && reads?.has(word) === true));
  }
}

const wordsOf = ({ word, isWide }: Access) => (isWide ? [word, word + 1] : [word]);

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
