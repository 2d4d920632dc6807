import type { CommandErrorCode } from '../admin/command-error.ts';

/** How the command line ends, for scripts. */
export const exitCodes = Object.freeze({
  ok: 0,
  failed: 1,
  misused: 2,
  notFound: 3,
  exists: 4,
  notRunning: 5,
  unconfirmed: 6,
  /** As a shell tells of SIGINT. */
  interrupted: 130,
});

/** What the help says of them. */
export const exitCodeTexts: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.ok, 'done'],
  [exitCodes.failed, 'failed'],
  [exitCodes.misused, 'bad usage, or faults in config or pools'],
  [exitCodes.notFound, 'there is no such client, secret, pool, exit, session or exchange'],
  [exitCodes.exists, 'there is one already'],
  [exitCodes.notRunning, 'the gateway does not run, or is not healthy'],
  [exitCodes.unconfirmed, 'nobody said yes, and --yes was not given: nothing was changed'],
  [exitCodes.interrupted, 'interrupted (Ctrl-C); 128 and its number for another signal'],
];

/** Codes that are not listed end with `failed`. */
const byError: ReadonlyMap<CommandErrorCode, number> = new Map([
  ['not_found', exitCodes.notFound],
  ['exists', exitCodes.exists],
  ['not_running', exitCodes.notRunning],
  ['not_answering', exitCodes.notRunning],
  ['config_faults', exitCodes.misused],
  ['bad_argument', exitCodes.misused],
  ['bad_name', exitCodes.misused],
  ['bad_cidr', exitCodes.misused],
  ['bad_params', exitCodes.misused],
  ['bad_rule', exitCodes.misused],
  ['bad_value', exitCodes.misused],
  ['unknown_pool', exitCodes.misused],
  ['unconfirmed', exitCodes.unconfirmed],
]);

/** The exit code that tells of an error. */
export function exitCodeOf(code: CommandErrorCode): number {
  return byError.get(code) ?? exitCodes.failed;
}
