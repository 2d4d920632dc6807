import type { ExitDetail, ExitInsight } from '../admin/exit-detail.ts';
import { places } from '../protocol/places.ts';
import { formatSpan } from '../protocol/units.ts';
import type { Given, Outcome } from './command-spec.ts';
import { describeState } from './exit-states.ts';
import { percentOf, statusOf } from './exit-text.ts';
import { remarksOn } from './pool.ts';
import { printable } from './printable.ts';
import { seenCell } from './probe-text.ts';
import { type Cell, formatFacts, formatTable, type Screen } from './table.ts';
import type { Workplace } from './workplace.ts';

/** `exit show`: facts without the credential, what was said of it, figures, beliefs, sessions, failures. */
export async function showExit(given: Given, workplace: Workplace): Promise<Outcome> {
  const { result, live } = await workplace.run('exit.show', { id: given.operand });
  const lines = [...formatFacts(factsOf(result)), ...insightLines(result.insight, workplace.screen)];
  return { json: result, lines, remarks: remarksOn(workplace, live) };
}

function factsOf(exit: ExitDetail): [string, Cell][] {
  const { live, insight } = exit;
  const figures: [string, Cell][] =
    live === null || insight === null
      ? []
      : [
          ['latency', live.latencyMs === null ? null : `${live.latencyMs} ms`],
          ['worked', live.workedAgoMs === null ? 'never' : `${formatSpan(live.workedAgoMs)} ago`],
          ['success', percentOf(live.success)],
          ['failed', live.failuresInRow === 0 ? null : `${live.failuresInRow} times in a row`],
          ['in flight', live.inFlight],
          ['pages', `${live.served} served, ${live.refused} refused`],
          ['expected', `${percentOf(insight.path.odds)} that it works, in ${insight.path.expectedMs} ms`],
          ['joined', `${formatSpan(insight.path.joinedAgoMs)} ago`],
        ];
  return [
    ['exit', exit.id],
    ['pool', `${exit.pool}, tier ${exit.tier}`],
    ['name', exit.name],
    ['endpoint', exit.minted ? `${exit.endpoint}, with a session id made here` : exit.endpoint],
    ...places.flatMap((place): [string, Cell][] => (exit[place] === undefined ? [] : [[place, exit[place]]])),
    ['status', statusOf(exit)],
    ...seenFacts(exit),
    ...exit.states.map((state): [string, Cell] => ['said', `${describeState(state)} (since ${state.since})`]),
    ...figures,
  ];
}

function seenFacts(exit: ExitDetail): [string, Cell][] {
  const { seen } = exit;
  if (seen === null) return [];
  return [
    ['seen', seenCell(exit)],
    ['address', seen.address],
    ['asked', `${seen.asked} by a ${seen.source}: ${seen.kind} in ${seen.ms} ms (${seen.at})`],
  ];
}

function insightLines(insight: ExitInsight | null, screen: Screen): string[] {
  if (insight === null) return [];
  const { sites, failures, sessions, moreSessions } = insight;
  const rows = sites.map(({ site, odds, coolsForMs, refusals, pages, uses }) => {
    return [site, percentOf(odds), coolsForMs === 0 ? null : formatSpan(coolsForMs), refusals, pages, uses];
  });
  const held = sessions.map(({ session, client }) => `${printable(session)} of ${printable(client)}`);
  const more = moreSessions === 0 ? '' : `, and ${moreSessions} more`;
  return [
    ...(rows.length === 0
      ? []
      : ['', ...formatTable(['SITE', 'ODDS', 'COOLS FOR', 'REFUSALS', 'PAGES', 'USES'], rows, screen)]),
    ...(failures.length === 0
      ? []
      : [
          '',
          ...formatTable(
            ['FAILED WITH', 'AGO', 'SITE'],
            failures.map(({ kind, agoMs, site }) => [kind, formatSpan(agoMs), site]),
            screen,
          ),
        ]),
    ...(held.length === 0 ? [] : ['', `sessions: ${held.join(', ')}${more}`]),
  ];
}
