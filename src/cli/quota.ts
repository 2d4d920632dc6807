import type { ClientQuotaView } from '../admin/quota-commands.ts';
import type { QuotaView } from '../gateway/quotas/quota-view.ts';
import type { CommandSpec, Outcome } from './command-spec.ts';
import { octetText } from './octet-text.ts';
import { formatTable, type Heading } from './table.ts';
import type { Workplace } from './workplace.ts';

/** Where there is no room for all, whose and how much stay. */
const head: readonly Heading[] = [
  { title: 'CLIENT', rank: 0 },
  { title: 'QUOTA', rank: 1 },
  { title: 'KIND', rank: 4 },
  { title: 'USED', rank: 3 },
  { title: 'OF', rank: 2 },
  { title: 'LEFT', rank: 0 },
  { title: 'UNTIL', rank: 5 },
];

/** The commands about quotas. */
export const quotaCommands: readonly CommandSpec[] = [
  {
    path: 'quota list',
    isDefault: true,
    summary: 'tell what clients have used of their quotas, and what is left',
    options: [{ flags: '--client <name>', describe: 'only this client' }],
    notes: [
      'Quotas are set by "roundabout client set NAME --quota", and for everyone by `limits.quotas` of the configuration.',
      'Another amount holds at once, and goes on from what was used.',
    ],
    run: async (given, workplace) => {
      const { result } = await workplace.run('quota.list', { client: given.text('client') });
      return shown(result, workplace, 'no quotas');
    },
  },
  {
    path: 'quota reset',
    summary: 'begin quotas of a client anew, in their present period',
    operand: 'the name of the client',
    options: [{ flags: '--quota <name>', describe: 'only this one, as "quota list" names it; all unless told' }],
    run: async (given, workplace) => {
      const args = { client: given.operand, name: given.text('quota') };
      return shown((await workplace.run('quota.reset', args)).result, workplace, 'no quotas');
    },
  },
];

function shown(quotas: readonly ClientQuotaView[], { screen }: Workplace, none: string): Outcome {
  const rows = quotas.map((view) => {
    const { client, name, kind, until } = view;
    return [
      client,
      name,
      kind,
      figure(view, 'spent'),
      figure(view, 'quota'),
      figure(view, 'left'),
      until ?? 'for ever',
    ];
  });
  return { json: quotas, lines: rows.length === 0 ? [none] : formatTable(head, rows, screen) };
}

/** An amount of a quota for people. */
export function figure(view: QuotaView, which: 'spent' | 'quota' | 'left'): string {
  const { measure, currency } = view;
  if (measure === 'bytes') return octetText(BigInt(view[which]));
  return measure === 'money' ? `${view[which]} ${currency}` : String(view[which]);
}
