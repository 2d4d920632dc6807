import type { CommandResults } from '../admin/command-results.ts';
import type { ExitChanges } from '../admin/exit-commands.ts';
import type { ExitStateView } from '../admin/exit-state-view.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { momentOf } from './moment.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

const ids = 'ids of exits, or beginnings of ids that only one exit has';

const atSite: OptionSpec = { flags: '--site <site>', describe: 'for this site only, such as example.com' };
const because: OptionSpec = { flags: '--reason <text>', describe: 'why, for whoever looks' };
const stateOptions: readonly OptionSpec[] = [
  atSite,
  { flags: '--for <duration>', describe: 'end by itself after so long: 90s, 10m, 24h, 7d' },
  { flags: '--until <time>', describe: 'end by itself then: 2026-12-01, 2026-12-01T08:00 or 2026-12-01T08:00Z' },
  because,
];

const survival = 'What is said of an exit is kept by its id: over restarts, and while the exit is in no pool.';

/** The commands that say what may be done with exits. */
export const exitStateCommands: readonly CommandSpec[] = [
  {
    path: 'exit freeze',
    summary: 'let exits take nothing more, until they are thawed',
    operands: ids,
    needsOperands: true,
    options: stateOptions,
    notes: [
      'What is under way over them goes on to its end. Sessions on them move to other exits; strict ones fail with',
      'session_lost while their exit is frozen, and go on with it afterwards.',
      survival,
    ],
    run: (given, workplace) => put('exit.freeze', given, workplace),
  },
  {
    path: 'exit drain',
    summary: 'let exits take nothing new: sessions that hold them go on until they end',
    operands: ids,
    needsOperands: true,
    options: stateOptions,
    notes: [survival],
    run: (given, workplace) => put('exit.drain', given, workplace),
  },
  {
    path: 'exit retire',
    summary: 'freeze exits for good, and leave them out of lists',
    operands: ids,
    needsOperands: true,
    options: [because],
    notes: [survival, '"exit list --status retired" shows them; "exit thaw" takes it back.'],
    run: (given, workplace) => put('exit.retire', given, workplace),
  },
  {
    path: 'exit thaw',
    summary: 'end what was said of exits: they take exchanges again',
    operands: ids,
    needsOperands: true,
    options: [{ ...atSite, describe: 'end what was said for this site only' }],
    run: async (given, workplace) => {
      const args = { exits: given.operands, site: given.text('site') };
      const { result } = await workplace.run('exit.thaw', args);
      const lines = result.changed.map(
        (one) => `exit ${one.exit} is no longer ${describeState({ ...one, until: null, reason: '' })}`,
      );
      return { json: result.changed, lines: lines.length === 0 ? ['nothing was said of these exits'] : lines };
    },
  },
  {
    path: 'exit states',
    summary: 'list all that was said of exits, those included that are in no pool now',
    run: async (_, workplace) => {
      const { result } = await workplace.run('exit.states', {});
      const head = ['EXIT', 'STATE', 'SITE', 'POOL', 'SINCE', 'UNTIL', 'REASON'];
      const rows = result.map((one) => [one.exit, one.state, one.site, one.pool, one.since, one.until, one.reason]);
      return {
        json: result,
        lines:
          rows.length === 0 ? ['no exit is frozen, draining or retired'] : formatTable(head, rows, workplace.screen),
      };
    },
  },
];

type PutCommand = Extract<keyof CommandResults, 'exit.freeze' | 'exit.drain' | 'exit.retire'>;

async function put(name: PutCommand, given: Given, workplace: Workplace): Promise<Outcome> {
  const until = momentOf({ duration: given.text('for'), time: given.text('until') }, workplace.now());
  const args = { exits: given.operands, site: given.text('site'), until, reason: given.text('reason') };
  const { result }: { result: ExitChanges } = await workplace.run(name, args);
  return { json: result.changed, lines: result.changed.map((one) => `exit ${one.exit} is ${describeState(one)}`) };
}

/** `frozen at example.com until 2026-12-01T08:00:00.000Z: slow`. */
export function describeState({ state, site, until, reason }: ExitStateView): string {
  const at = site === null ? '' : ` at ${printable(site)}`;
  const end = until === null ? '' : ` until ${until}`;
  return `${state}${at}${end}${reason === '' ? '' : `: ${printable(reason)}`}`;
}
