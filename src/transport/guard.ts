/** Throws what a listener has thrown once this turn is over: it is nobody's here, and must not keep the others from their events. */
export function raise(fault: unknown): void {
  process.nextTick(() => {
    throw fault;
  });
}

/** Runs a listener of one among many; what it throws is raised. */
export function guard(run: () => void): void {
  try {
    run();
  } catch (fault) {
    raise(fault);
  }
}
