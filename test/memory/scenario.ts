import { type Access, type Answer, type ModelWords, PlainWords } from './permitted-words.ts';

/** Someone who works on shared words: `open` makes its own view of them, then its operations run one after another. They may
 *  depend on nothing but the words and what `open` made, because they are run again and again. */
export interface Actor<T> {
  readonly open: (words: ModelWords) => T;
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
  readonly observe: (words: ModelWords) => unknown;
}

/** How far an actor has come. */
export interface Progress {
  readonly actor: number | 'undertaker';
  /** The words when it began. */
  readonly image: Int32Array;
  readonly answers: readonly Answer[];
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

/** Words and actors between two accesses. */
export interface State {
  readonly memory: Int32Array;
  readonly progress: readonly Progress[];
  readonly dead: number | null;
}

/** What counts of the words, as they are. */
export const observed = <T>(scenario: Scenario<T>, memory: Int32Array) =>
  scenario.observe(new PlainWords(memory.slice()));

/** The actor, which for an undertaker depends on who has died. */
export function actorOf<T>(scenario: Scenario<T>, actor: Progress['actor'], dead: number | null): Actor<T> {
  return actor === 'undertaker' ? scenario.undertaker!(dead!) : scenario.actors[actor]!;
}
