import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CheckedExit,
  type CheckOrder,
  type CheckPlan,
  type CheckScope,
  type CheckState,
  MOST_CHECKED,
} from '../admin/check-command.ts';
import { badArgument, CommandError, type CommandFault, faultOf } from '../admin/command-error.ts';
import { parseDuration } from '../protocol/units.ts';
import { ECHO_MS, withoutEchoes } from '../startup/process-signals.ts';
import { CheckProgress, grouped } from './check-progress.ts';
import { csvLines, reportLines } from './check-report.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { exitCodes } from './exit-code.ts';
import { glyphsOf } from './glyphs.ts';
import { octetText } from './octet-text.ts';
import { printable } from './printable.ts';
import type { Workplace } from './workplace.ts';

/** How often the check is asked how it goes, in ms. */
const POLL_MS = 200;

/** Stopping waits for probes under way to say goodbye, in ms. */
const STOP_MS = 30_000;

/** Exits frozen by one command. */
const FREEZE_BATCH = 10_000;

/** The command that tries every exit. */
export const checkCommands: readonly CommandSpec[] = [
  {
    path: 'pool check',
    summary: 'try every exit of a pool, or of all: which work, how fast, and where they stand',
    operands: 'the name of a pool; all pools without one',
    options: [
      {
        flags: '--target <url>',
        describe: 'http(s) URL, connect://host:port, or handshake; else a page of our own, or a handshake',
      },
      { flags: '--limit <number>', describe: 'a sample of so many exits' },
      { flags: '--concurrency <number>', describe: 'so many at a time, 64 unless told' },
      { flags: '--timeout <duration>', describe: 'how long an exit has, 10s unless told' },
      { flags: '--resume', describe: 'go on where the last check was stopped' },
      {
        flags: '--fix',
        describe: 'freeze the exits that are dead, unless they are frozen or retired; "exit thaw" undoes it',
      },
      { flags: '--csv', describe: 'print all results as CSV' },
      { flags: '--yes', describe: "don't ask, whatever it costs" },
    ],
    notes: [
      'The gateway makes the check where one runs, and learns from it; otherwise this process does.',
      `Exit code: ${exitCodes.ok} all exits work, ${exitCodes.failed} some don't or the check was stopped,`,
      `${exitCodes.misused} bad usage, ${exitCodes.notFound} there is no such pool, ${exitCodes.unconfirmed} not agreed to.`,
    ],
    run: check,
  },
];

async function check(given: Given, workplace: Workplace): Promise<Outcome> {
  const order = orderOf(given);
  const { pool, target, limit } = order;
  const scope: CheckScope = { pool, target, limit };
  const { result: plan, live } = await workplace.run('check.plan', scope);
  const exits = plan.pools.reduce((sum, pool) => sum + pool.exits, 0);
  const remarks = live
    ? []
    : ['no gateway runs: this process made the check, and nothing is learned from it but where exits are'];
  if (exits === 0) return { json: { results: [] }, lines: ['no exits to check'], remarks };
  await agree(plan, given, workplace);
  const { state, results } = await run(workplace, order);
  const fixed = given.flag('fix') ? await freeze(workplace, results) : null;
  if (fixed !== null) {
    const before = fixed.held === 0 ? '' : `, ${grouped(fixed.held)} more were frozen or retired before`;
    remarks.push(`${grouped(fixed.frozen)} dead exits are frozen${before}`);
  }
  if (fixed?.fault) remarks.push(`the others are not: ${fixed.fault.message}`, `  ${fixed.fault.remedy}`);
  if (state.ended === 'stopped')
    remarks.push(`stopped: ${grouped(state.done)} of ${grouped(state.total)} were checked; go on with --resume`);
  remarks.push(`${grouped(state.octets)} octets on the wire`);
  const { total, done, byKind, octets, elapsedMs, ended } = state;
  const fixing = { frozen: fixed?.frozen ?? null, freezeFault: fixed?.fault ?? null };
  const json = { total, done, byKind, octets, elapsedMs, ended, ...fixing, results };
  const works = ended === 'finished' && results.every(({ kind }) => kind === 'ok');
  const lines = given.flag('csv')
    ? csvLines(results)
    : reportLines(results, { screen: workplace.screen, glyphs: glyphsOf(process.env) });
  return { json, lines, remarks: remarks.map(printable), exitCode: works ? exitCodes.ok : exitCodes.failed };
}

/** Throws CommandError. */
function orderOf(given: Given): CheckOrder {
  const [pool, second] = given.operands;
  if (second !== undefined) throw badArgument('pool check', 'more than one pool is named', 'name one, or none for all');
  return {
    pool: pool?.toLowerCase(),
    target: given.text('target'),
    limit: given.count('limit', { most: MOST_CHECKED, remedy: 'check one pool after the other' }),
    concurrency: given.count('concurrency', { most: 1_000, remedy: 'leave it out for the default' }) ?? 64,
    timeoutMs: timeoutOf(given),
    resume: given.flag('resume') ?? false,
  };
}

/** Says beforehand what it costs, and asks where that is money. Throws CommandError. */
async function agree(plan: CheckPlan, given: Given, workplace: Workplace): Promise<void> {
  const say = (line: string) => process.stderr.write(`${printable(line)}\n`);
  let isPaid = false;
  for (const { pool, exits, atMost, usual, price } of plan.pools) {
    const money = (octets: number) => ((octets / 1e9) * (price?.perGB ?? 0)).toFixed(2);
    const cost = price === null ? '' : `: ${money(usual)} to ${money(atMost)} ${price.currency}`;
    say(`${pool}: ${grouped(exits)} exits, some ${octetText(usual)} and at most ${octetText(atMost)}${cost}`);
    isPaid ||= price !== null;
  }
  if (plan.unfinished !== null && given.flag('resume') !== true)
    say(`an unfinished check of ${plan.unfinished.at} is given up: --resume would go on with it`);
  if (!isPaid || given.flag('yes')) return;
  const terminal = workplace.terminal();
  if (terminal === null) throw unconfirmed('it costs money, and nobody can be asked', 'add --yes');
  const answer = await terminal.ask('go on? [y/N] ');
  if (!/^y(?:es)?$/i.test(answer.trim())) throw unconfirmed('not agreed to', 'answer y, or add --yes');
}

const unconfirmed = (message: string, remedy: string) => new CommandError({ code: 'unconfirmed', message, remedy });

async function run(
  workplace: Workplace,
  order: CheckOrder,
): Promise<{ readonly state: CheckState; readonly results: readonly CheckedExit[] }> {
  const progress = new CheckProgress({
    columns: () => (process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? process.stderr.columns : null),
    write: (text) => process.stderr.write(text),
    glyphs: glyphsOf(process.env),
    now: () => performance.now(),
  });
  let isStopping = false;
  const stop = withoutEchoes(
    () => {
      if (isStopping) process.exit(exitCodes.interrupted);
      isStopping = true;
    },
    () => performance.now(),
  );
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    let { result: state } = await workplace.run('check.start', order);
    const results = [...state.results];
    const poll = async () => {
      state = (await workplace.run('check.poll', { check: state.check, since: results.length })).result;
      results.push(...state.results);
    };
    while (state.ended === null && !isStopping) {
      progress.show(state);
      await sleep(POLL_MS);
      await poll();
    }
    if (state.ended === null) await workplace.run('check.stop', { check: state.check }, STOP_MS);
    do await poll();
    while (results.length < state.done);
    return { state, results };
  } finally {
    progress.end();
    // The echo may come when the check has long been stopped, and must not end what shows its results.
    if (isStopping) await sleep(ECHO_MS);
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

interface Fixed {
  readonly frozen: number;
  /** Dead ones that took nothing before. */
  readonly held: number;
  /** Why no more of them are; null where all are. */
  readonly fault: CommandFault | null;
}

/** Freezes exits that are dead, each with its reason. What was found must be shown whatever comes of this: never rejects. */
async function freeze(workplace: Workplace, results: readonly CheckedExit[]): Promise<Fixed> {
  const dead = results.filter((result) => result.dead);
  let [frozen, held] = [0, 0];
  // Where nothing is to be done there is no fault to tell of.
  if (dead.length === 0) return { frozen, held, fault: null };
  try {
    const standing = await heldExits(workplace);
    const open = dead.filter(({ exit }) => !standing.has(exit));
    held = dead.length - open.length;
    for (const [kind, group] of Map.groupBy(open, (result) => result.kind)) {
      for (let at = 0; at < group.length; at += FREEZE_BATCH) {
        const exits = group.slice(at, at + FREEZE_BATCH).map(({ exit }) => exit);
        const args = { exits, reason: `pool check: ${kind}`, skipUnknown: true };
        frozen += (await workplace.run('exit.freeze', args, STOP_MS)).result.changed.length;
      }
    }
    return { frozen, held, fault: null };
  } catch (cause) {
    return { frozen, held, fault: faultOf(cause) };
  }
}

/** Exits that take nothing as it is: what was said of them, until when and why, stays. What is over may still stand where no gateway
 *  has ended it. */
async function heldExits(workplace: Workplace): Promise<ReadonlySet<string>> {
  const { result } = await workplace.run('exit.states', {}, STOP_MS);
  const now = workplace.now();
  const held = result.filter(({ site, state, until }) => {
    return site === null && state !== 'draining' && (until === null || Date.parse(until) > now);
  });
  return new Set(held.map(({ exit }) => exit));
}

function timeoutOf(given: Given): number {
  const text = given.text('timeout') ?? '10s';
  const reading = parseDuration(text);
  if (reading.ok && reading.value >= 100 && reading.value <= 600_000) return reading.value;
  throw badArgument('--timeout', `"${text}" is no duration from 100ms to 10m`, 'write it like 10s');
}
