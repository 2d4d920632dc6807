import { StoreError, type StoreErrorCode } from '../store/store-error.ts';

/** What can be wrong with a command, beside what the store says. */
export type CommandErrorCode =
  | StoreErrorCode
  | 'bad_request'
  | 'bad_argument'
  | 'unknown_command'
  | 'unknown_pool'
  | 'config_faults'
  | 'not_running'
  | 'not_answering'
  | 'unconfirmed'
  | 'changed'
  | 'internal';

/** An error as it is told to a person or a script. */
export interface CommandFault {
  readonly code: CommandErrorCode;
  /** One sentence: what is wrong, and where. */
  readonly message: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
}

/** The one error of commands. It is for operators, who may know everything but secrets. */
export class CommandError extends Error {
  readonly code: CommandErrorCode;
  readonly remedy: string;

  constructor({ code, message, remedy }: CommandFault, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'CommandError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** Anything that was thrown, as a fault. */
export function faultOf(cause: unknown): CommandFault {
  if (cause instanceof CommandError) return { code: cause.code, message: cause.message, remedy: cause.remedy };
  if (cause instanceof StoreError) return { code: cause.code, message: cause.detail, remedy: cause.remedy };
  const message = cause instanceof Error ? cause.message : String(cause);
  // What the system says of a path is more often the machine's than ours.
  if (cause instanceof Error && 'code' in cause && 'path' in cause)
    return { code: 'unavailable', message, remedy: 'see that path, its folder, their permissions and the disk' };
  return { code: 'internal', message, remedy: 'this is a fault in Roundabout: please report it' };
}

/** A CommandError for an argument that can't be meant. `place` is the argument as its user knows it. */
export function badArgument(place: string, what: string, remedy: string): CommandError {
  return new CommandError({ code: 'bad_argument', message: `${place}: ${what}`, remedy });
}
