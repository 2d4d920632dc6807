import test from 'ava';
import { CommandError } from '../../src/admin/command-error.ts';
import { momentOf } from '../../src/cli/moment.ts';

const at = (time: string) => momentOf({ duration: undefined, time }, 0);

test('a time is read, of this machine’s zone unless it says otherwise', (t) => {
  t.is(at('2026-12-01T08:00Z'), Date.UTC(2026, 11, 1, 8));
  t.is(at('2026-12-01 08:00+02:00'), Date.UTC(2026, 11, 1, 6));
  t.is(at('2026-12-01'), new Date(2026, 11, 1).getTime());
});

test('a day that there isn’t is refused', (t) => {
  for (const time of ['2026-02-30', '2026-02-30T08:00Z', '2026-13-01', '2026-12-01T25:00', 'soon'])
    t.throws(() => at(time), { instanceOf: CommandError, message: `--until: "${time}" is no time` });
});
