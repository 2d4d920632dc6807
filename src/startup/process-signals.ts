/** What is done about signals, and about faults that nobody caught. */
export interface SignalActions {
  /** SIGTERM and SIGINT. */
  readonly stop: () => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** One exchange's fault must not end all others. */
  readonly survive: (fault: unknown) => void;
}

/** Listens to this process's signals and stray faults. Returns what ends that. */
export function listenToSignals({ stop, reload, survive }: SignalActions): () => void {
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
  process.on('uncaughtException', survive).on('unhandledRejection', survive);
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reload);
    process.off('uncaughtException', survive).off('unhandledRejection', survive);
  };
}
