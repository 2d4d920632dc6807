import test from 'ava';
import fc from 'fast-check';
import { exposition } from '../../src/telemetry/exposition.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';

test('the text is to the letter', (t) => {
  const text = exposition([
    {
      name: 'a_total',
      help: 'One, \\ and\nanother.',
      type: 'counter',
      samples: [{ labels: { path: 'C:\\a "b"\nc', empty: '' }, value: 1_027 }, { value: 2 ** 53 }],
    },
    { name: 'nothing', help: 'Nothing.', type: 'gauge', samples: [] },
    {
      name: 'b',
      help: 'Figures.',
      type: 'gauge',
      samples: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, 1e-7, -0.5].map((value, i) => ({
        labels: { i: `${i}` },
        value,
      })),
    },
    {
      name: 'c_seconds',
      help: 'Durations.',
      type: 'histogram',
      samples: [{ labels: { phase: 'relay' }, bounds: [0.001, 1.024], counts: [2, 0, 1], sum: 3.5 }],
    },
  ]);
  t.is(
    text,
    [
      '# HELP a_total One, \\\\ and\\nanother.',
      '# TYPE a_total counter',
      'a_total{path="C:\\\\a \\"b\\"\\nc",empty=""} 1027',
      'a_total 9007199254740992',
      '# HELP b Figures.',
      '# TYPE b gauge',
      'b{i="0"} NaN',
      'b{i="1"} +Inf',
      'b{i="2"} -Inf',
      'b{i="3"} 1e+21',
      'b{i="4"} 1e-7',
      'b{i="5"} -0.5',
      '# HELP c_seconds Durations.',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{phase="relay",le="0.001"} 2',
      'c_seconds_bucket{phase="relay",le="1.024"} 2',
      'c_seconds_bucket{phase="relay",le="+Inf"} 3',
      'c_seconds_sum{phase="relay"} 3.5',
      'c_seconds_count{phase="relay"} 3',
      '',
    ].join('\n'),
  );
});

test('what was written is read back, whatever the labels and figures are', (t) => {
  const gauges = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), fc.double()), {
    minLength: 1,
    selector: ([label]) => label,
  });
  const holds = fc.property(gauges, fc.string({ unit: 'binary', minLength: 1 }), (pairs, help) => {
    const samples = pairs.map(([label, value]) => ({ labels: { label, other: 'x' }, value }));
    const family = parseExposition(exposition([{ name: 'g', help, type: 'gauge', samples }])).get('g');
    t.is(family?.help, help);
    // -0 is written 0.
    t.deepEqual(
      family?.samples,
      samples.map(({ labels, value }) => ({ name: 'g', labels, value: value + 0 })),
    );
  });
  fc.assert(holds, { numRuns: 200 });
});

test('the buckets of a histogram never shrink, and the last is its count', (t) => {
  const holds = fc.property(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 24 }), (counts) => {
    const bounds = counts.slice(1).map((_, i) => 2 ** i / 1_000);
    const page = parseExposition(
      exposition([{ name: 'h', help: 'H.', type: 'histogram', samples: [{ bounds, counts, sum: 1 }] }]),
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    t.is(totalOf(page, 'h', {}, 'h_count'), total);
    t.is(totalOf(page, 'h', { le: '+Inf' }, 'h_bucket'), total);
  });
  fc.assert(holds, { numRuns: 100 });
});
