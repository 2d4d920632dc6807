import { constants } from 'node:os';

/** Those by which somebody ends a command: Ctrl-C, `timeout` and service managers, a terminal that goes. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Has `leave` called when a signal is to end the command, which then ends with the code by which shells tell of it. Of several calls
 *  only the latest counts. Returns what takes it back. */
export function whenEndedBySignal(leave: () => void): () => void {
  const heard = (signal: NodeJS.Signals) => {
    leave();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.prependListener(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
