import test from 'ava';
import { isCalendarDate } from '../../src/protocol/calendar-date.ts';

test('days and months are told from what looks like one', (t) => {
  for (const text of ['2026-11-01', '2026-11', '2024-02-29', '1970-01-01']) t.true(isCalendarDate(text), text);
  for (const text of ['2026-02-29', '2026-02-30', '2026-04-31', '2026-13', '2026-00', '2026-01-00', '2026-11-32', ''])
    t.false(isCalendarDate(text), text);
});
