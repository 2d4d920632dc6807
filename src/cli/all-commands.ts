import { clientCommands } from './client.ts';
import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { exitCommands } from './exit.ts';
import { invoiceCommands } from './invoice.ts';
import { poolCommands } from './pool.ts';
import { checkCommands } from './pool-check.ts';
import { exportCommands } from './pool-export.ts';
import { importCommands } from './pool-import.ts';
import { reloadCommands } from './pool-reload.ts';
import { removeCommands } from './pool-remove.ts';
import { poolStatsCommand } from './pool-stats.ts';
import { quotaCommands } from './quota.ts';
import { reportCommands } from './report.ts';
import { serviceCommands } from './service.ts';
import { sessionCommands } from './session.ts';
import { shellCommands } from './shell.ts';
import { usageCommands } from './usage.ts';

/** What each group of commands is about. */
export const groups: ReadonlyMap<string, string> = new Map([
  ['client', 'who may use the gateway'],
  ['pool', 'the sets of exits'],
  ['exit', 'the ways out'],
  ['session', 'the exits that clients hold'],
  ['quota', 'what clients may use in a period; "list" unless told'],
  ['invoice', 'bills of vendors'],
  ['usage', 'what was used and what it cost; "show" unless told'],
]);

/** Understood before and after any command. */
export const globalOptions: readonly OptionSpec[] = [
  {
    flags: '--config <file>',
    describe: 'the configuration (default: config/roundabout.yaml here, else the one shipped)',
  },
  { flags: '--data <folder>', describe: 'the data folder, in place of the one that the configuration names' },
  { flags: '--json', describe: 'answer in JSON on standard output, and tell errors in JSON on standard error' },
];

/** All commands of the command line. */
export const allCommands: readonly CommandSpec[] = [
  ...serviceCommands,
  ...clientCommands,
  ...poolCommands,
  ...importCommands,
  ...exportCommands,
  ...removeCommands,
  ...reloadCommands,
  poolStatsCommand,
  ...checkCommands,
  ...exitCommands,
  ...sessionCommands,
  ...quotaCommands,
  ...reportCommands,
  ...usageCommands,
  ...invoiceCommands,
  ...shellCommands({ specs: () => allCommands, globals: globalOptions, groups }),
];
