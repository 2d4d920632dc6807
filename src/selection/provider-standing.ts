/** How a provider stands, in one word that threads change by compare-and-exchange: its state, and while it comes back the step of
 *  the ramp, how many attempts that step has let in, and how many of them have worked. An epoch tells attempts of before a change
 *  from those after it. All pure. */

export const State = Object.freeze({ up: 0, down: 1, recovering: 2 });
export type State = (typeof State)[keyof typeof State];

const STATE = 3;
const STEP_SHIFT = 2;
const STEP = 7;
const COUNT = 0x7f;
const TAKEN_SHIFT = 5;
const DONE_SHIFT = 12;
const EPOCH_SHIFT = 19;

/** Epochs, after which they begin anew. */
export const EPOCHS = 2 ** 13;

/** The last step: 2^6 attempts at once, and when all of these have worked it serves as before. */
export const LAST_STEP = 6;

/** What a word says. */
export interface Standing {
  readonly state: State;
  /** 0 to LAST_STEP: so many doublings. */
  readonly step: number;
  /** Attempts that the step has let in, and how many of them worked. */
  readonly taken: number;
  readonly done: number;
  readonly epoch: number;
}

export const stateOf = (word: number): State => (word & STATE) as State;
export const epochOf = (word: number): number => word >>> EPOCH_SHIFT;

/** Attempts that may be under way at once in a step of the ramp. */
export const quotaOf = (step: number): number => 2 ** step;

export function unpack(word: number): Standing {
  return {
    state: stateOf(word),
    step: (word >> STEP_SHIFT) & STEP,
    taken: (word >> TAKEN_SHIFT) & COUNT,
    done: (word >> DONE_SHIFT) & COUNT,
    epoch: epochOf(word),
  };
}

export function pack({ state, step, taken, done, epoch }: Standing): number {
  return state | (step << STEP_SHIFT) | (taken << TAKEN_SHIFT) | (done << DONE_SHIFT) | (epoch << EPOCH_SHIFT);
}

/** Whether one more attempt may begin: always while it is up, never while it is down. */
export function isOpen(word: number): boolean {
  const state = word & STATE;
  if (state !== State.recovering) return state === State.up;
  return ((word >> TAKEN_SHIFT) & COUNT) < 2 ** ((word >> STEP_SHIFT) & STEP);
}

const renewed = (word: number, state: State): number =>
  pack({ state, step: 0, taken: 0, done: 0, epoch: (epochOf(word) + 1) % EPOCHS });

/** It fails, as a whole. */
export const afterFall = (word: number): number => renewed(word, State.down);

/** A probe came through: the ramp begins. */
export const afterProbe = (word: number): number => renewed(word, State.recovering);

/** Another attempt begins; the word as it is where it need not be counted, null where it may not. */
export function afterEntry(word: number): number | null {
  if (!isOpen(word)) return null;
  if (stateOf(word) === State.up) return word;
  const standing = unpack(word);
  return pack({ ...standing, taken: standing.taken + 1 });
}

/** An attempt that was let in worked. When all of a step have, the next lets in twice as many. */
export function afterSuccess(word: number): number {
  const standing = unpack(word);
  if (standing.state !== State.recovering) return word;
  const done = standing.done + 1;
  if (done < quotaOf(standing.step)) return pack({ ...standing, done, taken: Math.max(done, standing.taken) });
  if (standing.step === LAST_STEP) return pack({ state: State.up, step: 0, taken: 0, done: 0, epoch: standing.epoch });
  return pack({ ...standing, step: standing.step + 1, taken: 0, done: 0 });
}

/** An attempt that was let in ended without a word on the provider: another may have its place. */
export function afterNothing(word: number): number {
  const standing = unpack(word);
  if (standing.state !== State.recovering) return word;
  return pack({ ...standing, taken: Math.max(standing.done, standing.taken - 1) });
}

/** Attempts that were let in don't come back: their places are given to others. */
export function afterStall(word: number): number {
  const standing = unpack(word);
  return standing.state === State.recovering ? pack({ ...standing, taken: standing.done }) : word;
}
