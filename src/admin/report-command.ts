import Type from 'typebox';
import type { ReportedExchange, ReportOutcome } from '../gateway/internal/report.ts';
import { type Report, readReport } from '../protocol/report.ts';
import { type Command, command } from './command.ts';
import { badArgument, CommandError } from './command-error.ts';

/** Takes a report for `client`, or for whomever an exchange's id belongs to. */
export type TakeReport = (report: Report, client: string | null) => Promise<ReportOutcome>;

const schema = Type.Object(
  { client: Type.Union([Type.String(), Type.Null()]), report: Type.Unknown() },
  { additionalProperties: false },
);

const refusals = {
  unknown: {
    code: 'not_found',
    message: 'no exchange of the last ten minutes is so named',
    remedy: 'see the access log; with a session or tag, name the client as well',
  },
  ambiguous: {
    code: 'bad_argument',
    message: 'several exchanges of the last ten minutes carry this tag',
    remedy: 'name one by its id',
  },
  repeated: { code: 'exists', message: 'this exchange has been reported', remedy: 'each can be reported once' },
} as const;

/** `exchange.report` → ReportedExchange: an operator's word on how a site treated an exchange. The report is what
 *  `roundabout.internal/report` takes. */
export function reportCommand(take: TakeReport): [string, Command] {
  const run = async (written: unknown, client: string | null): Promise<ReportedExchange> => {
    const reading = readReport(written);
    if (!reading.ok)
      throw badArgument(reading.fault.place || 'report', reading.fault.detail, 'see "roundabout report --help"');
    const outcome = await take(reading.report, client);
    if (outcome.ok) return outcome.reported;
    throw new CommandError(refusals[outcome.refusal]);
  };
  return ['exchange.report', command(schema, ({ report, client }) => run(report, client))];
}
