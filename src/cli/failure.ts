import { faultOf } from '../admin/command-error.ts';
import { type ConfigFault, formatFault } from '../config/fault.ts';
import { StartFault } from '../threads/start-fault.ts';
import { exitCodeOf } from './exit-code.ts';
import { printable } from './printable.ts';
import { ConfigFaultsError } from './settings-check.ts';

/** How a command failed, for people, for scripts, and for the shell. */
export interface Failure {
  readonly exitCode: number;
  /** For standard error; printable. */
  readonly lines: readonly string[];
  /** What stands as `error` with `--json`. */
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly faults?: readonly ConfigFault[];
  };
}

/** Anything that a command threw. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof StartFault) return startFailure(cause);
  const { code, message, remedy } = faultOf(cause);
  const exitCode = exitCodeOf(code);
  if (!(cause instanceof ConfigFaultsError))
    return { exitCode, lines: linesOf(message, remedy), error: { code, message, remedy } };
  const faults = cause.faults.map((fault) => printable(formatFault(fault)));
  return {
    exitCode,
    lines: [...faults, ...linesOf(message, remedy)],
    error: { code, message, remedy, faults: cause.faults },
  };
}

/** Bad usage of the command line itself, of the command that was begun (`pool show`; empty for none). */
export function usageFailure(message: string, { command, exitCode }: { command: string; exitCode: number }): Failure {
  const remedy = `see "${['roundabout', command, '--help'].filter((word) => word !== '').join(' ')}"`;
  return { exitCode, lines: linesOf(message, remedy), error: { code: 'bad_usage', message, remedy } };
}

function startFailure({ exitCode, lines }: StartFault): Failure {
  const [message = 'the gateway cannot start', ...more] = lines;
  return { exitCode, lines: lines.map(printable), error: { code: 'start_failed', message, remedy: more.join('; ') } };
}

function linesOf(message: string, remedy: string): string[] {
  return [`error: ${printable(message)}`, `  ${printable(remedy)}`];
}
