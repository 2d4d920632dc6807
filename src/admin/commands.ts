import Type from 'typebox';
import { type Checks, checkCommands } from './check-command.ts';
import { type ClientCommandDeps, clientCommands } from './client-commands.ts';
import { type Command, type Commands, command } from './command.ts';
import type { CommandResults } from './command-results.ts';
import { type ExitCommandDeps, exitCommands } from './exit-commands.ts';
import type { ExitDetail } from './exit-detail.ts';
import { exitIdOf } from './exit-names.ts';
import { type ExitPage, type ExitQuery, exitSorts, MOST_EXITS } from './exit-page.ts';
import { type ExitStateView, exitStateView } from './exit-state-view.ts';
import { exitStatuses } from './exit-view.ts';
import type { ExitWalk, ExitWalkQuery } from './exit-walk.ts';
import type { Health } from './health.ts';
import { namesCommand } from './names-command.ts';
import { findPool, type PoolCommandDeps, poolCommands } from './pool-commands.ts';
import type { PoolView } from './pool-view.ts';
import { type QuotaCommandDeps, quotaCommands } from './quota-commands.ts';
import { type ReloadPools, reloadCommand } from './reload-command.ts';
import { reportCommand, type TakeReport } from './report-command.ts';
import { type Sessions, sessionCommands } from './session-commands.ts';

/** What commands work on: the running gateway, or the files of one that doesn't run. */
export interface CommandDeps extends ClientCommandDeps, PoolCommandDeps, ExitCommandDeps, QuotaCommandDeps {
  readonly pools: () => readonly PoolView[];
  readonly exits: (query: ExitQuery) => ExitPage;
  readonly walkExits: (query: ExitWalkQuery) => ExitWalk;
  /** All that is known of the exit of this id, which stands; `states` is what operators said of it. */
  readonly exit: (id: string, states: readonly ExitStateView[]) => ExitDetail | Promise<ExitDetail>;
  readonly health: () => Health;
  /** Writes what all workers have booked up to now. */
  readonly writeLedger: () => CommandResults['ledger.write'] | Promise<CommandResults['ledger.write']>;
  readonly reloadPools: ReloadPools;
  readonly report: TakeReport;
  /** Throws CommandError (not_running) where no gateway runs. */
  readonly sessions: () => Sessions;
  readonly checks: () => Checks;
}

/** All commands by name, used by the control socket and by the command line. */
export function createCommands(deps: CommandDeps): Commands {
  return new Map([
    ...clientCommands(deps),
    ...poolCommands(deps),
    reloadCommand(deps.reloadPools),
    ...exitCommands(deps),
    ...viewCommands(deps),
    namesCommand(deps),
    ...sessionCommands(deps.sessions),
    ...quotaCommands(deps),
    ...checkCommands(deps.checks),
    reportCommand(deps.report),
    ['ledger.write', command(Type.Object({}), () => deps.writeLedger())],
  ]);
}

/** `exit.list` → ExitPage; `exit.walk` → ExitWalk; `exit.show` → ExitDetail; `health` → Health. */
function viewCommands({
  pools,
  exits,
  walkExits,
  exit,
  registry,
  statesByExit,
  health,
}: CommandDeps): [string, Command][] {
  const poolOf = (name: string | undefined) => (name === undefined ? undefined : findPool(pools(), name).pool);
  return [
    [
      'exit.list',
      command(exitQuery, ({ pool, limit = MOST_EXITS, ...query }) => exits({ ...query, pool: poolOf(pool), limit })),
    ],
    ['exit.walk', command(exitWalkQuery, ({ pool, ...query }) => walkExits({ ...query, pool: poolOf(pool) }))],
    [
      'exit.show',
      command(Type.Object({ id: Type.String() }), ({ id }) => {
        const found = exitIdOf(registry(), id);
        const states = statesByExit().get(found) ?? [];
        return exit(
          found,
          states.map((state) => exitStateView(registry(), state)),
        );
      }),
    ],
    ['health', command(Type.Object({}), () => health())],
  ];
}

const text = Type.Optional(Type.String());
const oneOf = <Word extends string>(words: readonly Word[]) =>
  Type.Optional(Type.Union(words.map((word) => Type.Literal(word))));

const wanted = {
  pool: text,
  tier: oneOf(['dc', 'isp', 'res', 'mobile']),
  country: text,
  region: text,
  state: text,
  city: text,
  zip: text,
  asn: text,
  isp: text,
  status: oneOf(exitStatuses),
  mismatch: Type.Optional(Type.Boolean()),
};

const exitQuery = Type.Object(
  {
    ...wanted,
    sort: oneOf(exitSorts),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_EXITS })),
  },
  { additionalProperties: false },
);

const exitWalkQuery = Type.Object(
  { ...wanted, from: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) },
  { additionalProperties: false },
);
