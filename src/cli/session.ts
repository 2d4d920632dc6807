import type { SessionList, SessionView } from '../admin/session-view.ts';
import { formatSpan } from '../protocol/units.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { printable } from './printable.ts';
import { type Cell, formatFacts, formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

/** Lines shown to people unless told. */
const DEFAULT_LINES = 100;

const name = 'the name of the session, as its client writes it';
const whose: OptionSpec = {
  flags: '--client <name>',
  describe: 'whose session it is, where several have one so named',
};

/** The commands about sessions. */
export const sessionCommands: readonly CommandSpec[] = [
  {
    path: 'session list',
    summary: 'list sessions and the exits that they hold',
    options: [
      { flags: '--client <name>', describe: 'only those of this client' },
      { flags: '--exit <id>', describe: 'only those that hold this exit' },
      { flags: '--limit <count>', describe: `show so many at most (default: ${DEFAULT_LINES})` },
    ],
    run: list,
  },
  {
    path: 'session show',
    summary: 'show a session',
    operand: name,
    options: [whose],
    run: async (given, workplace) => shown((await workplace.run('session.show', argsOf(given))).result),
  },
  {
    path: 'session move',
    summary: 'give a session another exit of the same pool, near the one that it has if one is left there',
    operand: name,
    options: [whose],
    run: async (given, workplace) => shown((await workplace.run('session.move', argsOf(given))).result),
  },
  {
    path: 'session end',
    summary: 'end a session; its next request begins a new one',
    operand: name,
    options: [whose],
    run: async (given, workplace) => {
      const { result } = await workplace.run('session.end', argsOf(given));
      return {
        json: result,
        lines: [`session ${printable(result.session)} of client ${printable(result.client)} ended`],
      };
    },
  },
];

const argsOf = (given: Given) => ({ name: given.operand, client: given.text('client') });

async function list(given: Given, workplace: Workplace): Promise<Outcome> {
  const limit = given.count('limit', { least: 0, most: 1_000_000, remedy: 'write it like 500' }) ?? DEFAULT_LINES;
  const args = { client: given.text('client'), exit: given.text('exit'), limit };
  const { result } = await workplace.run('session.list', args);
  const head = ['CLIENT', 'SESSION', 'EXIT', 'POOL', 'COUNTRY', 'STATE', 'STRICT', 'MOVES', 'AGE', 'RESTED', 'ENDS IN'];
  const lines =
    result.sessions.length + result.more === 0
      ? ['no sessions']
      : formatTable(head, result.sessions.map(rowOf), workplace.screen);
  return { json: result, lines, remarks: remarksOn(result) };
}

function remarksOn({ more, evicted, refused }: SessionList): string[] {
  const remarks: string[] = [];
  if (more > 0) remarks.push(`and ${more} more: narrow it with --client or --exit, or raise --limit`);
  if (evicted > 0) remarks.push(`${evicted} sessions had to end because there was no room for all`);
  if (refused > 0) remarks.push(`${refused} times a session found no room`);
  return remarks;
}

function rowOf(view: SessionView): Cell[] {
  const { client, session, exit, pool, country, state, strict, moves, ageMs, restedMs, endsInMs } = view;
  const facts = [client, session, exit, pool, country, state, strict ? 'yes' : 'no', moves];
  return [...facts, formatSpan(ageMs), formatSpan(restedMs), endsInMs === null ? null : formatSpan(endsInMs)];
}

function shown(view: SessionView): Outcome {
  return {
    json: view,
    lines: formatFacts([
      ['client', view.client],
      ['session', view.session],
      ['exit', view.exit],
      ['pool', view.pool],
      ['country', view.country],
      ['asn', view.asn],
      ['state', view.state],
      ['strict', view.strict ? 'yes' : 'no'],
      ['moves', view.moves],
      ['age', formatSpan(view.ageMs)],
      ['rested', formatSpan(view.restedMs)],
      ['ends in', view.endsInMs === null ? null : formatSpan(view.endsInMs)],
      ['idle', view.idleMs === null ? null : formatSpan(view.idleMs)],
    ]),
  };
}
