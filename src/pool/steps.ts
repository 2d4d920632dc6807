/** Work in small steps, so that who carries it out may do something else between two of them. */
export type Steps<Result> = Generator<void, Result, void>;

/** Carries out all steps now. */
export function runSteps<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
