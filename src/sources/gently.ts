import type { Steps } from '../pool/steps.ts';

/** So long may steps go on before other work has its turn, in ms. */
const SLICE_MS = 5;

/** Carries out the steps, between which this thread does what else it has to do. */
export async function gently<Result>(steps: Steps<Result>): Promise<Result> {
  for (let begun = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - begun < SLICE_MS) continue;
    await new Promise(setImmediate);
    begun = performance.now();
  }
}
