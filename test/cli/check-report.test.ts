import test from 'ava';
import fc from 'fast-check';
import type { CheckedExit } from '../../src/admin/check-command.ts';
import { CheckProgress, progressLine, spanOf } from '../../src/cli/check-progress.ts';
import { csvLines, histogramLines, reportLines } from '../../src/cli/check-report.ts';
import { widthOf } from '../../src/cli/columns.ts';
import { barOf, glyphsOf } from '../../src/cli/glyphs.ts';

const blocks = glyphsOf({ LANG: 'en_US.UTF-8' });
const plain = glyphsOf({ LANG: 'C' });

const checked = (more: Partial<CheckedExit>): CheckedExit => ({
  exit: 'aaaaaaaaaa',
  pool: 'main',
  endpoint: 'http://127.0.0.1:1',
  country: null,
  asked: 'page',
  kind: 'ok',
  detail: null,
  dead: false,
  ms: 10,
  status: 200,
  sent: 1,
  received: 2,
  address: null,
  seenCountry: null,
  seenAsn: null,
  mismatch: null,
  ...more,
});

test('progress fits into any terminal, however much there is to say', (t) => {
  const state = fc.record({
    total: fc.nat(2_000_000),
    done: fc.nat(2_000_000),
    before: fc.constant(0),
    elapsedMs: fc.nat(10_000_000),
    byKind: fc.dictionary(
      fc.constantFrom('ok', 'exit_timeout', 'exit_refused', 'origin_bad_response'),
      fc.nat(2_000_000),
    ),
  });
  fc.assert(
    fc.property(state, fc.integer({ min: 10, max: 200 }), fc.constantFrom(blocks, plain), (one, width, glyphs) => {
      const fair = { ...one, total: Math.max(one.total, one.done) };
      return widthOf(progressLine(fair, { width, glyphs })) <= width;
    }),
  );
  t.pass();
});

test('progress tells all where there is room, and the kinds of failures go first', (t) => {
  const state = {
    total: 10_000,
    done: 4_200,
    before: 0,
    elapsedMs: 14_000,
    byKind: { ok: 4_100, exit_timeout: 80, exit_refused: 20 },
  };
  const wide = progressLine(state, { width: 119, glyphs: plain });
  t.is(
    wide,
    '[###########...............] 42% 4,200/10,000  ok 4,100  failed 100 (exit_timeout 80 exit_refused 20)  300/s  20 s left',
  );
  t.regex(progressLine(state, { width: 59, glyphs: plain }), /42% 4,200\/10,000 {2}ok 4,100 {2}failed 100/);
  const resumed = { ...state, before: 4_199 };
  t.regex(progressLine(resumed, { width: 119, glyphs: plain }), /0\.1\/s/, 'the pace is that of this run');
});

test('without a terminal a line comes now and then', (t) => {
  let now = 0;
  const said: string[] = [];
  const progress = new CheckProgress({
    columns: () => null,
    write: (text) => said.push(text),
    glyphs: plain,
    now: () => now,
  });
  const state = { total: 10, done: 5, before: 0, elapsedMs: 1_000, byKind: { ok: 4, exit_refused: 1 } };
  progress.show(state);
  now = 1_000;
  progress.show(state);
  now = 6_000;
  progress.show(state);
  progress.end();
  t.deepEqual(
    said,
    Array.from({ length: 2 }, () => 'checked 5 of 10: ok 4, failed 1 (exit_refused 1), 5.0/s, 1 s left\n'),
  );
});

test('bars and spans', (t) => {
  t.is(barOf(0.5, 4, { glyphs: blocks, filled: true }), '██░░');
  t.is(barOf(0.53, 4, { glyphs: blocks, filled: true }), '██▏░');
  t.is(barOf(1, 4, { glyphs: plain, filled: true }), '####');
  t.is(barOf(0, 4, { glyphs: plain, filled: false }), '');
  t.deepEqual([18, 185, 7_800].map(spanOf), ['18 s', '3 min 5 s', '2 h 10 min']);
});

test('the report: kinds, a histogram of those that work, those that failed, those that stand elsewhere', (t) => {
  const results = [
    ...Array.from({ length: 30 }, (_, index) => checked({ ms: index * 10 })),
    ...Array.from({ length: 25 }, () => checked({ kind: 'exit_refused', dead: true, ms: 1, detail: 'refused' })),
    checked({ mismatch: 'claimed us, seen de', address: '203.0.113.9' }),
  ];
  const text = reportLines(results, { screen: { width: 60, emphasise: (line) => line }, glyphs: plain }).join('\n');
  t.regex(text, /^ok +31 +55\.4 %/m);
  t.regex(text, /^exit_refused +25 +44\.6 %/m);
  t.regex(text, /and 5 more: see --csv or --json/);
  t.regex(text, /claimed us, seen de +203\.0\.113\.9/);
  for (const line of text.split('\n')) t.true(widthOf(line) <= 60, line);
  const rejected = { kind: 'exit_rejected', ms: 64, detail: 'the exit said 502 to CONNECT' };
  const narrow = reportLines([checked(rejected)], { screen: { width: 60, emphasise: (line) => line }, glyphs: plain });
  t.true(
    narrow.some((line) => line.includes('exit_rejected') && line.includes('the exit said 502')),
    narrow.join('\n'),
  );
  t.deepEqual(histogramLines([checked({ kind: 'exit_failed' })], { width: 60, glyphs: plain }), []);
  const slow = histogramLines([checked({ ms: 60_000 }), checked({ ms: 1 })], { width: 60, glyphs: plain });
  t.is(slow.length, 11);
  t.regex(slow[10] ?? '', /> 10,000 ms {2}#+ 1$/);
});

test('CSV is quoted, and no cell is a formula or a control character', (t) => {
  const [head, line] = csvLines([checked({ detail: '=cmd|"a", b\u001b[31m', country: 'us' })]);
  t.true(head?.startsWith('exit,pool,endpoint'));
  t.is(line, `aaaaaaaaaa,main,http://127.0.0.1:1,us,page,ok,"'=cmd|""a"", b\\u{1b}[31m",false,10,200,1,2,,,,`);
});
