import { badArgument } from '../admin/command-error.ts';
import { exitSorts, MOST_EXITS } from '../admin/exit-page.ts';
import { type ExitView, exitStatuses } from '../admin/exit-view.ts';
import { Countries } from '../pool/list-formats/countries.ts';
import { placeOf } from '../pool/list-formats/exit-place.ts';
import { places } from '../protocol/places.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { showExit } from './exit-show.ts';
import { exitStateCommands } from './exit-states.ts';
import { percentOf, statusOf } from './exit-text.ts';
import { walkAll } from './exit-walk.ts';
import { remarksOn } from './pool.ts';
import { seenCell } from './probe-text.ts';
import { type Cell, formatTable, type Heading } from './table.ts';
import type { Workplace } from './workplace.ts';

/** The commands about exits. */
export const exitCommands: readonly CommandSpec[] = [
  {
    path: 'exit list',
    summary: 'list exits and how they do',
    options: [
      { flags: '--pool <name>', describe: 'only those of this pool' },
      { flags: '--tier <tier>', describe: 'only those of this tier', choices: ['dc', 'isp', 'res', 'mobile'] },
      { flags: '--country <code>', describe: 'only those in this country, such as us' },
      { flags: '--region <name>', describe: 'only those in this region' },
      { flags: '--state <name>', describe: 'only those in this state of a country' },
      { flags: '--city <name>', describe: 'only those in this city' },
      { flags: '--zip <code>', describe: 'only those with this zip code' },
      { flags: '--asn <number>', describe: 'only those in this autonomous system' },
      { flags: '--isp <name>', describe: 'only those of this ISP' },
      { flags: '--status <status>', describe: 'only those that stand so', choices: exitStatuses },
      { flags: '--mismatch', describe: 'only those that probes saw elsewhere than their pool says' },
      { flags: '--sort <figure>', describe: 'the best or the most by this first', choices: exitSorts },
      { flags: '--limit <number>', describe: `so many at most: ${MOST_EXITS} unless told, or all with --json` },
    ],
    notes: ['Retired exits are shown with --status retired only.'],
    run: list,
  },
  {
    path: 'exit show',
    summary: 'show all that is known of an exit',
    operand: 'the id of the exit, or a beginning of it that no other has',
    run: showExit,
  },
  ...exitStateCommands,
];

const filters = ['pool', 'tier', ...places, 'status'] as const;

const head: readonly Heading[] = [
  'EXIT',
  { title: 'POOL', rank: 3 },
  { title: 'TIER', rank: 9 },
  { title: 'COUNTRY', rank: 2 },
  { title: 'ENDPOINT', rank: 7 },
  { title: 'NAME', rank: 11 },
  { title: 'LATENCY', rank: 4 },
  { title: 'OK', rank: 5 },
  { title: 'IN FLIGHT', rank: 6 },
  { title: 'SERVED', rank: 8 },
  { title: 'REFUSED', rank: 10 },
  { title: 'STATUS', rank: 1 },
  { title: 'SEEN', rank: 6.5 },
];

async function list(given: Given, workplace: Workplace): Promise<Outcome> {
  const asked = Object.fromEntries(filters.map((filter) => [filter, given.text(filter)]));
  const sort = exitSorts.find((one) => one === given.text('sort'));
  const mayBeMore = !workplace.isForPeople;
  const most = mayBeMore ? Number.MAX_SAFE_INTEGER : MOST_EXITS;
  const limit = given.count('limit', { most, remedy: 'narrow the list with --pool or --country, or say --json' });
  const args = {
    ...asked,
    country: placeGiven(given, 'country'),
    asn: placeGiven(given, 'asn'),
    mismatch: given.flag('mismatch'),
    sort,
    limit,
  };
  if (mayBeMore && (limit ?? most) > MOST_EXITS) return walkAll(workplace, args);
  const { result, live } = await workplace.run('exit.list', args);
  const { exits, total } = result;
  const lines = exits.length === 0 ? ['no exits'] : formatTable(head, exits.map(exitRow), workplace.screen);
  const rest = total - exits.length;
  const remarks = rest > 0 ? [`${rest} more of ${total} exits are not shown`] : [];
  return { json: exits, lines, remarks: [...remarks, ...remarksOn(workplace, live)] };
}

/** What an option says that has one spelling only, so that a wrong one isn't taken for a place without exits. Throws CommandError. */
function placeGiven(given: Given, key: 'country' | 'asn'): string | undefined {
  const text = given.text(key);
  const place = text === undefined ? null : placeOf(key, text, new Countries());
  if (place?.ok === false)
    throw badArgument(`--${key}`, place.fault.detail, 'see "roundabout pool stats" for what there is');
  return place === null ? text : place.value.text;
}

function exitRow(exit: ExitView): Cell[] {
  const { id, pool, tier, country, endpoint, name, live } = exit;
  const figures: Cell[] =
    live === null
      ? [null, null, null, null, null]
      : [
          live.latencyMs === null ? null : `${live.latencyMs} ms`,
          percentOf(live.success),
          live.inFlight,
          live.served,
          live.refused,
        ];
  return [id, pool, tier, country ?? null, endpoint, name, ...figures, statusOf(exit), seenCell(exit)];
}
