import type { Given, OptionSpec, Outcome } from './command-spec.ts';
import { exitCodes } from './exit-code.ts';
import type { Terminal } from './terminal.ts';
import type { Workplace } from './workplace.ts';

/** What every command takes that asks before it changes anything. */
export const changeOptions: readonly OptionSpec[] = [
  { flags: '--dry-run', describe: 'show what would change, and change nothing' },
  { flags: '--yes', describe: 'change it without a question; needed where there is no terminal' },
];

/** Whether and how a change is to be agreed to. */
export interface Consent {
  readonly terminal: Terminal | null;
  readonly dryRun: boolean;
  /** Whether it was said yes to beforehand. */
  readonly yes: boolean;
}

export function consentOf(given: Given, workplace: Workplace): Consent {
  return { dryRun: given.flag('dryRun') ?? false, yes: given.flag('yes') ?? false, terminal: workplace.terminal() };
}

/** What the change is called, such as `Write it?`, and what is said where it isn't made, such as `nothing is written`. */
export interface Change {
  readonly question: string;
  readonly nothing: string;
}

/** Shows what would change and asks, unless it was agreed to. Null where the change is to be made; else how the command ends. */
export async function refusalOf(
  { dryRun, yes, terminal }: Consent,
  shown: Outcome,
  { question, nothing }: Change,
): Promise<Outcome | null> {
  if (dryRun) return { ...shown, remarks: [`a dry run: ${nothing}`] };
  if (yes) return null;
  if (terminal === null) {
    const remedy = `${nothing}: say yes to it with --yes, since there is nobody to ask (no terminal, or --json)`;
    return { ...shown, remarks: [remedy], exitCode: exitCodes.unconfirmed };
  }
  terminal.say(shown.lines ?? []);
  const answer = await terminal.ask(`${question} [y/N] `);
  return /^y(?:es)?$/i.test(answer) ? null : { remarks: [nothing], exitCode: exitCodes.unconfirmed };
}
