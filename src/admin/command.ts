import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { CommandError } from './command-error.ts';

/** What the gateway does when it is told to: JSON in, JSON out, or a promise of it. Throws CommandError or StoreError. */
export type Command = (args: unknown) => unknown;

/** Commands by name, such as `client.add`. */
export type Commands = ReadonlyMap<string, Command>;

/** A command whose arguments are checked before it runs. */
export function command<Schema extends TSchema>(schema: Schema, run: (args: Static<Schema>) => unknown): Command {
  return (args) => {
    if (Check(schema, args)) return run(args);
    const [first] = Errors(schema, args);
    throw new CommandError({
      code: 'bad_request',
      message: `arguments${first?.instancePath ?? ''}: ${first?.message ?? 'not as expected'}`,
      remedy: 'use a command line of the same version as the gateway',
    });
  };
}

/** Runs the command of this name. Throws CommandError (unknown_command), and what the command throws. */
export function runCommand(commands: Commands, { name, args }: { name: string; args: unknown }): unknown {
  const found = commands.get(name);
  if (found !== undefined) return found(args);
  throw new CommandError({
    code: 'unknown_command',
    message: 'the gateway does not know this command',
    remedy: 'restart the gateway: it runs another version than the command line',
  });
}
