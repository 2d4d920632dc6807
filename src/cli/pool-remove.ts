import { badArgument, CommandError } from '../admin/command-error.ts';
import { type ListOptions, ListReader } from '../pool/list-formats/list-reader.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { changeOptions, consentOf } from './consent.ts';
import { type DraftFile, versionOf } from './draft-file.ts';
import { ExitMatchers } from './exit-matchers.ts';
import { commitChange } from './list-commit.ts';
import { fileInput, givenInput, readText } from './list-input.ts';
import { ListSummary } from './list-summary.ts';
import { readStanding, writeStanding } from './list-update.ts';
import { type PoolHome, poolHome } from './pool-home.ts';
import { ConfigFaultsError } from './settings-check.ts';
import type { Workplace } from './workplace.ts';

/** The command that takes exits out of a pool's list. */
export const removeCommands: readonly CommandSpec[] = [
  {
    path: 'pool remove',
    summary: 'take exits out of the list that the command line keeps of a pool',
    operand: 'the name of the pool',
    further: ['<exits...>', 'ids as "exit list" has them, or entries as in a list; - for standard input'],
    options: changeOptions,
    notes: [
      'host:port means every exit there, whatever its protocol and credential; with a credential, the one that has it.',
    ],
    run: remove,
  },
];

async function remove(given: Given, workplace: Workplace): Promise<Outcome> {
  const home = poolHome(workplace, given.operand);
  const names = given.operands.slice(1);
  const input = names.length === 1 && names[0] === '-' ? fileInput('-') : givenInput(names);
  const version = versionOf(home.listPath);
  const matchers = matchersOf(await readText(input), { home, workplace });
  const summary = new ListSummary({ pool: home.pool, list: home.listPath, source: input.name });
  let [removed, unchanged] = [0, 0];
  readStanding(home, (exit) => {
    if (!matchers.takes(exit)) unchanged += 1;
    else {
      removed += 1;
      summary.example('-', exit);
    }
  });
  summary.counts = { added: 0, changed: 0, removed, unchanged, duplicates: 0 };
  const [missed, ...more] = matchers.missed();
  if (missed !== undefined) throw notThere(more.length === 0 ? missed : `${missed}, nor ${more.length} more`, home);
  const write = (draft: DraftFile) => writeStanding(home, draft, (exit) => !matchers.takes(exit));
  return commitChange(workplace, summary, { home, version, write, skipFaulty: false, ...consentOf(given, workplace) });
}

/** Throws CommandError for an entry that is none, or an id that no exit has; ConfigFaultsError where faults leave open which has it. */
function matchersOf(text: string, { home, workplace }: { home: PoolHome; workplace: Workplace }): ExitMatchers {
  const matchers = new ExitMatchers();
  const entries: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (!/^\s*[a-z2-7]{10}\s*$/i.test(line)) entries.push(line);
    else matchers.addExact(endpointOf(line.trim().toLowerCase(), { home, workplace }), line.trim().toLowerCase());
  }
  // What is read otherwise where another scheme is supposed names none.
  const [read, again] = [endpointsOf(entries, { scheme: 'http' }), endpointsOf(entries, { scheme: 'socks5' })];
  for (const [index, endpoint] of read.entries()) matchers.addEntry(endpoint, endpoint.scheme === again[index]?.scheme);
  return matchers;
}

function endpointsOf(entries: readonly string[], options: ListOptions): Endpoint[] {
  const endpoints: Endpoint[] = [];
  const reader = new ListReader(options, {
    exit: ({ endpoint }) => endpoints.push(endpoint),
    fault: (line, message) => {
      throw badArgument(`entry ${line}`, message, 'write it as the list has it');
    },
  });
  reader.push(entries.join('\n'));
  reader.end();
  return endpoints;
}

function endpointOf(id: string, { home, workplace }: { home: PoolHome; workplace: Workplace }): Endpoint {
  const { pools, faults } = workplace.settings();
  if (faults.length > 0) throw new ConfigFaultsError(workplace.configFile, faults);
  const exit = pools.exitAt(pools.slotOf(id) ?? -1);
  if (exit === undefined || exit.pool !== home.pool) throw notThere(id, home);
  return exit.endpoint;
}

function notThere(what: string, { pool, file, listPath }: PoolHome): CommandError {
  return new CommandError({
    code: 'not_found',
    message: `${listPath} has no exit ${what}: nothing is removed`,
    remedy: `see "roundabout exit list --pool ${pool}"; what another entry of ${file} names must be taken out there`,
  });
}
