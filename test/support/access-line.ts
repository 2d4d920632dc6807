import { isoClock, writeAccessLine } from '../../src/telemetry/access-line.ts';
import type { AccessRecord } from '../../src/telemetry/access-record.ts';
import { JsonOctets } from '../../src/telemetry/json-octets.ts';

/** The line of the access log for `record`, with its path where `paths` is on. */
export function accessLine(record: AccessRecord, paths: boolean): string {
  const out = new JsonOctets();
  writeAccessLine(out, record, { paths, isoTime: isoClock() });
  return out.written.toString();
}
