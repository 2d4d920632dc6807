import { CommandError } from '../admin/command-error.ts';
import { type ExitView, MOST_EXITS } from '../admin/pool-view.ts';
import type { CommandSpec, Given } from './command-spec.ts';
import { exitStateCommands } from './exit-states.ts';
import { remarksOn } from './pool.ts';
import { seenCell } from './probe-text.ts';
import { type Cell, formatTable } from './table.ts';

/** The commands about exits. */
export const exitCommands: readonly CommandSpec[] = [
  {
    path: 'exit list',
    summary: 'list exits and how they do',
    options: [
      { flags: '--pool <name>', describe: 'only those of this pool' },
      { flags: '--country <code>', describe: 'only those in this country, such as us' },
      { flags: '--mismatch', describe: 'only those that probes saw elsewhere than their pool says' },
      { flags: '--limit <number>', describe: `so many at most, which is ${MOST_EXITS} unless told` },
    ],
    run: async (given, workplace) => {
      const mismatch = given.flag('mismatch');
      const args = { pool: given.text('pool'), country: given.text('country'), mismatch, limit: limitOf(given) };
      const { result, live } = await workplace.run('exit.list', args);
      const { exits, total } = result;
      const place = ['EXIT', 'POOL', 'TIER', 'COUNTRY', 'ENDPOINT', 'NAME'];
      const head = [...place, 'LATENCY', 'IN FLIGHT', 'SERVED', 'REFUSED', 'STATE', 'SEEN'];
      const lines = exits.length === 0 ? ['no exits'] : formatTable(head, exits.map(exitRow), workplace.screen);
      const rest = total - exits.length;
      const remarks = rest > 0 ? [`${rest} more of ${total} exits are not shown`] : [];
      return { json: exits, lines, remarks: [...remarks, ...remarksOn(workplace, live)] };
    },
  },
  ...exitStateCommands,
];

/** Throws CommandError. */
function limitOf(given: Given): number | undefined {
  const text = given.text('limit');
  if (text === undefined) return undefined;
  const limit = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_EXITS) return limit;
  throw new CommandError({
    code: 'bad_argument',
    message: `--limit: "${text}" is no number from 1 to ${MOST_EXITS}`,
    remedy: 'narrow the list with --pool or --country',
  });
}

function exitRow(exit: ExitView): Cell[] {
  const { id, pool, tier, country, endpoint, name, live } = exit;
  const facts: Cell[] = [id, pool, tier, country ?? null, endpoint, name];
  return live === null
    ? [...facts, null, null, null, null, null, seenCell(exit)]
    : [
        ...facts,
        `${Math.round(live.latencyMs)} ms`,
        live.inFlight,
        live.served,
        live.refused,
        stateOf(live),
        seenCell(exit),
      ];
}

function stateOf({ ejectedForMs, failuresInRow }: NonNullable<ExitView['live']>): string {
  if (ejectedForMs > 0) return `ejected for ${(ejectedForMs / 1000).toFixed(1)} s`;
  return failuresInRow > 0 ? `${failuresInRow} failed in a row` : 'ok';
}
