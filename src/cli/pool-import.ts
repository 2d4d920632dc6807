import { badArgument } from '../admin/command-error.ts';
import { Countries } from '../pool/list-formats/countries.ts';
import { placeOf } from '../pool/list-formats/exit-place.ts';
import { type ListFormat, listFormats, listSchemeOf, listSchemes } from '../protocol/list-format.ts';
import { type Geo, type Place, places } from '../protocol/places.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { changeOptions, consentOf } from './consent.ts';
import { fileInput, givenInput, type ListInput } from './list-input.ts';
import { updateList } from './list-update.ts';
import { poolHome } from './pool-home.ts';
import type { Workplace } from './workplace.ts';

const readingOptions: readonly OptionSpec[] = [
  {
    flags: '--format <format>',
    describe: 'how the list is written, where that could be mistaken',
    choices: listFormats,
  },
  { flags: '--scheme <scheme>', describe: 'of exits that name none (default: http)', choices: listSchemes },
  ...places.map((place) => ({
    flags: `--${place} <text>`,
    describe: `${place} of exits of which the list tells none`,
  })),
  { flags: '--skip-faulty', describe: 'take the sound entries of a list that has faulty ones' },
];

const pool = 'the name of the pool; it is made if there is none';

/** The commands that take exits into a pool. */
export const importCommands: readonly CommandSpec[] = [
  {
    path: 'pool import',
    summary: 'take a list of exits, in whatever format, into a pool',
    operand: pool,
    further: ['<file>', 'the list, or - for standard input'],
    options: [
      ...readingOptions,
      { flags: '--replace', describe: 'remove exits that the list does not name' },
      { flags: '--allow-shrink', describe: 'with --yes, also where less than half of the exits would be left' },
      ...changeOptions,
    ],
    notes: [
      'Exits go into lists/POOL.txt beside the pool file, which names it from then on. Those of other entries of the pool stay.',
      'What would change is shown first, and asked about. A running gateway takes it at once.',
    ],
    run: (given, workplace) => change(given, workplace, fileInput(given.operands[1] ?? '-')),
  },
  {
    path: 'pool add',
    summary: 'take a few exits into a pool',
    operand: pool,
    further: ['<entries...>', 'exits as in any list, or - for standard input'],
    options: [...readingOptions, ...changeOptions],
    notes: [
      'Everybody on this machine can see what a command is given: say "pool add POOL -" where an entry has a password.',
    ],
    run: async (given, workplace) => {
      const entries = given.operands.slice(1);
      const isRead = entries.length === 1 && entries[0] === '-';
      const outcome = await change(given, workplace, isRead ? fileInput('-') : givenInput(entries));
      const remark = 'a password that was given to a command could be seen by others: next time say "pool add POOL -"';
      return isRead || !entries.some((entry) => /[:@].*[:@]/.test(entry.replace('://', '')))
        ? outcome
        : { ...outcome, remarks: [...(outcome.remarks ?? []), remark] };
    },
  },
];

async function change(given: Given, workplace: Workplace, input: ListInput): Promise<Outcome> {
  const home = poolHome(workplace, given.operand);
  return updateList(workplace, {
    home,
    input,
    reading: {
      format: formatOf(given.text('format')) ?? 'auto',
      scheme: listSchemeOf(given.text('scheme') ?? '') ?? 'http',
    },
    place: placeGiven(given),
    replaces: given.flag('replace') ?? false,
    skipFaulty: given.flag('skipFaulty') ?? false,
    allowShrink: given.flag('allowShrink') ?? false,
    ...consentOf(given, workplace),
  });
}

export function formatOf(text: string | undefined): ListFormat | undefined {
  return listFormats.find((format) => format === text);
}

/** Throws CommandError. */
function placeGiven(given: Given): Geo {
  const countries = new Countries();
  const geo: Partial<Record<Place, string>> = {};
  for (const key of places) {
    const text = given.text(key);
    const place = text === undefined ? null : placeOf(key, text, countries);
    if (place === null) continue;
    if (!place.ok) throw badArgument(`--${key}`, place.fault.detail, 'write it as in a pool file');
    geo[key] = place.value.text;
  }
  return geo;
}
