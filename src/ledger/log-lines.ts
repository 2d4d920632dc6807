import type { BookingBatch, BookingKey } from './booking.ts';
import { type LoggedLine, lineAt } from './tally.ts';

/** A line of the log of exchanges with whom it was booked to. */
export type LogEntry = BookingKey & LoggedLine;

type Line = readonly [
  booking: number,
  id: string,
  time: number,
  ms: number,
  sent: number,
  received: number,
  attempts: number,
];

/** The lines of a batch as a text that parseLog() reads: each key stands once. */
export function logContent(batch: BookingBatch): string {
  const keys = batch.bookings.map(({ client, tag, site, pool, country, kind }): BookingKey => {
    return { client, tag, site, pool, country, kind };
  });
  const lines = batch.lines.ids.map((_, index): Line => {
    const { booking, id, time, ms, sent, received, attempts } = lineAt(batch.lines, index);
    return [booking, id, time, Math.round(ms), sent, received, attempts];
  });
  return JSON.stringify({ keys, lines });
}

/** The entries of a text that logContent() made. */
export function parseLog(content: string): LogEntry[] {
  const { keys, lines }: { keys: BookingKey[]; lines: Line[] } = JSON.parse(content);
  return lines.flatMap(([booking, id, time, ms, sent, received, attempts]) => {
    const key = keys[booking];
    return key === undefined ? [] : [{ ...key, id, time, ms, sent, received, attempts }];
  });
}
