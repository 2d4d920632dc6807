/** npm passes on an interrupt that the terminal has sent to the whole group, so that one press of Ctrl-C comes twice: what follows
 *  within so many ms is the same. */
export const ECHO_MS = 250;

/** What is done about signals, and about faults that nobody caught. */
export interface SignalActions {
  /** SIGTERM and SIGINT. */
  readonly stop: () => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** One exchange's fault must not end all others. */
  readonly survive: (fault: unknown) => void;
  /** The monotonic clock, in ms. */
  readonly now: () => number;
}

/** Does `act`, but not for the echo of a signal for which it was done. `now` is the monotonic clock, in ms. */
export function withoutEchoes(act: () => void, now: () => number): () => void {
  let actedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const at = now();
    if (at - actedAt < ECHO_MS) return;
    actedAt = at;
    act();
  };
}

/** Listens to this process's signals and stray faults. Returns what ends that. */
export function listenToSignals({ stop, reload, survive, now }: SignalActions): () => void {
  const stopOnce = withoutEchoes(stop, now);
  process.on('SIGTERM', stopOnce).on('SIGINT', stopOnce).on('SIGHUP', reload);
  process.on('uncaughtException', survive).on('unhandledRejection', survive);
  return () => {
    process.off('SIGTERM', stopOnce).off('SIGINT', stopOnce).off('SIGHUP', reload);
    process.off('uncaughtException', survive).off('unhandledRejection', survive);
  };
}
