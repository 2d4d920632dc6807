import type { CommandSpec } from './command-spec.ts';
import { printable } from './printable.ts';

/** The command that tells how a site treated an exchange. */
export const reportCommands: readonly CommandSpec[] = [
  {
    path: 'report',
    summary: 'say how a site treated an exchange of the last ten minutes, so that its exit is chosen accordingly',
    options: [
      { flags: '--id <id>', describe: 'the exchange, as in Roundabout-Request-Id and in the access log' },
      { flags: '--client <name>', describe: 'whose exchange it is; needed with --session and --tag' },
      { flags: '--session <name>', describe: 'the newest exchange of this session' },
      { flags: '--site <host>', describe: 'the newest of the session at this site' },
      { flags: '--tag <tag>', describe: 'the one exchange with this tag' },
      { flags: '--verdict <verdict>', describe: 'what the site did', choices: ['served', 'refused', 'challenge'] },
      { flags: '--retry-after <seconds>', describe: 'how long to leave the site alone by that exit' },
    ],
    run: async (given, workplace) => {
      const retryAfter = given.text('retryAfter');
      const report = {
        id: given.text('id'),
        session: given.text('session'),
        site: given.text('site'),
        tag: given.text('tag'),
        verdict: given.text('verdict'),
        retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      };
      const { result } = await workplace.run('exchange.report', { client: given.text('client') ?? null, report });
      const { id, exit, site, verdict } = result;
      return { json: result, lines: [printable(`${site} ${verdict} exit ${exit} in exchange ${id}`)] };
    },
  },
];
