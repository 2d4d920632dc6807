import Type from 'typebox';
import { type ClientCommandDeps, clientCommands } from './client-commands.ts';
import { type Command, type Commands, command } from './command.ts';
import { type ExitCommandDeps, exitCommands } from './exit-commands.ts';
import type { Health } from './health.ts';
import { findPool, type PoolCommandDeps, poolCommands } from './pool-commands.ts';
import { type ExitPage, type ExitQuery, MOST_EXITS, type PoolView } from './pool-view.ts';
import { type ReloadPools, reloadCommand } from './reload-command.ts';
import { reportCommand, type TakeReport } from './report-command.ts';
import { type Sessions, sessionCommands } from './session-commands.ts';

/** What commands work on: the running gateway, or the files of one that doesn't run. */
export interface CommandDeps extends ClientCommandDeps, PoolCommandDeps, ExitCommandDeps {
  readonly pools: () => readonly PoolView[];
  readonly exits: (query: ExitQuery) => ExitPage;
  readonly health: () => Health;
  readonly reloadPools: ReloadPools;
  readonly report: TakeReport;
  /** Throws CommandError (not_running) where no gateway runs. */
  readonly sessions: () => Sessions;
}

/** All commands by name, used by the control socket and by the command line. */
export function createCommands(deps: CommandDeps): Commands {
  return new Map([
    ...clientCommands(deps),
    ...poolCommands(deps),
    reloadCommand(deps.reloadPools),
    ...exitCommands(deps),
    ...viewCommands(deps),
    ...sessionCommands(deps.sessions),
    reportCommand(deps.report),
  ]);
}

/** `exit.list` → ExitPage; `health` → Health. */
function viewCommands({ pools, exits, health }: CommandDeps): [string, Command][] {
  const filter = Type.Object(
    {
      pool: Type.Optional(Type.String()),
      country: Type.Optional(Type.String()),
      mismatch: Type.Optional(Type.Boolean()),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_EXITS })),
    },
    { additionalProperties: false },
  );
  return [
    [
      'exit.list',
      command(filter, ({ pool, country, mismatch, limit = MOST_EXITS }) => {
        return exits({ pool: pool === undefined ? undefined : findPool(pools(), pool).pool, country, mismatch, limit });
      }),
    ],
    ['health', command(Type.Object({}), () => health())],
  ];
}
