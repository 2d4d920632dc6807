import type { AccessRecord, AttemptRecord } from './access-record.ts';
import type { JsonOctets } from './json-octets.ts';

/** Writes ms since the epoch as in RFC 3339, remembering the last: busy gateways end many exchanges in one millisecond. */
export function isoClock(): (time: number) => string {
  let last = Number.NaN;
  let written = '';
  return (time) => {
    if (time !== last) written = new Date(time).toISOString();
    last = time;
    return written;
  };
}

/** How a line is written. */
export interface LineOptions {
  /** Whether with the path. */
  readonly paths: boolean;
  /** Writes a time. */
  readonly isoTime: (time: number) => string;
}

/** Writes the record as one JSON object on one line, newline included. Only the members named here are written, whatever else the
 *  record holds; texts are bounded; every invisible character stands as a JSON escape, so that parsing gives it back: nothing a
 *  peer sent can pretend to be another line, another field, or a command to a terminal. */
export function writeAccessLine(out: JsonOctets, record: AccessRecord, { paths, isoTime }: LineOptions): void {
  out.ascii('{"time":"').ascii(isoTime(record.time)).ascii('","id":').text(record.id);
  out.ascii(',"listener":').text(record.listener).ascii(',"source":').text(record.source);
  out.ascii(',"client":').text(record.client).ascii(',"session":').text(record.session);
  out.ascii(',"tag":').text(record.tag).ascii(',"pool":').text(record.pool).ascii(',"exit":').text(record.exit);
  out.ascii(',"authority":').text(record.authority).ascii(',"method":').text(record.method);
  if (paths) out.ascii(',"path":').text(record.path ?? null);
  out.ascii(',"kind":').text(record.kind).ascii(',"by":').text(record.by).ascii(',"status":').whole(record.status);
  out.ascii(record.cut ? ',"cut":true' : ',"cut":false');
  if (record.why != null) out.ascii(',"why":').text(record.why);
  const { verdict, originMs } = record;
  if (verdict !== null) out.ascii(',"verdict":').text(verdict.page).ascii(',"rule":').text(verdict.rule);
  if (originMs !== null) out.ascii(',"originMs":').ms(originMs);
  out.ascii(',"clientToOrigin":').whole(record.clientToOrigin).ascii(',"originToClient":').whole(record.originToClient);
  out.ascii(',"exitSent":').whole(record.exitSent).ascii(',"exitReceived":').whole(record.exitReceived);
  writeAttempts(out.ascii(',"attempts":['), record.attempts);
  writePhases(out.ascii('],"phasesMs":{'), record.phasesMs);
  out.ascii('}}\n');
}

function writeAttempts(out: JsonOctets, attempts: readonly AttemptRecord[]): void {
  let before = '{"exit":';
  for (const { exit, kind, ms } of attempts) {
    out.ascii(before).text(exit).ascii(',"kind":').text(kind).ascii(',"ms":').ms(ms).ascii('}');
    before = ',{"exit":';
  }
}

/** Each phase that was entered follows one that was. */
function writePhases(out: JsonOctets, { admit, attempt, relay }: AccessRecord['phasesMs']): void {
  if (admit !== undefined) out.ascii('"admit":').ms(admit);
  if (attempt !== undefined) out.ascii(',"attempt":').ms(attempt);
  if (relay !== undefined) out.ascii(',"relay":').ms(relay);
}
