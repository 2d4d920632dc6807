import test from 'ava';
import { parseExposition } from '../support/exposition.ts';
import { barGroups, chartOf } from './proxies/chart.ts';
import { compare } from './proxies/check.ts';
import { type Figures, judge, ratiosOf, spreadOf } from './proxies/figures.ts';
import { parseOptions, rowNames } from './proxies/options.ts';
import { tell } from './proxies/own-view.ts';
import { peers } from './proxies/peers.ts';
import { familyOf, parseStat } from './proxies/process-tree.ts';
import { available } from './proxies/rows/row.ts';
import { numberText, tableOf } from './proxies/table.ts';

const figures: Figures = {
  row: 'connect',
  title: 'CONNECT',
  unit: 'µs',
  series: [
    { peer: 'gateway', samples: [10, 12, 20] },
    { peer: 'squid', samples: [20, 20, null] },
    { peer: 'floor', samples: [null, null, null] },
  ],
  goals: [
    { peer: 'gateway', over: 'squid', atMost: 0.55 },
    { peer: 'gateway', atLeast: 13 },
    { peer: 'gateway', over: 'dante', atMost: 1 },
  ],
  notes: ['dante: not measured'],
};

test('a spread is of those samples that are there', (t) => {
  t.deepEqual(spreadOf([3, 1, null, 2]), { least: 1, median: 2, greatest: 3 });
  t.deepEqual(spreadOf([4, 1, 2, 3]), { least: 1, median: 2.5, greatest: 4 });
  t.deepEqual(spreadOf([Number.NaN, 7]), { least: 7, median: 7, greatest: 7 });
  t.is(spreadOf([null]), null);
});

test('ratios are those of the same round', (t) => {
  const over = { peer: 'a', samples: [1, 2, 3, null] };
  t.deepEqual(ratiosOf(over, { peer: 'b', samples: [2, 0, null, 1] }), [0.5, null, null, null]);
  t.deepEqual(ratiosOf(over, { peer: 'b', samples: [] }), [null, null, null, null]);
});

test('a goal is judged by the median', (t) => {
  const [ratio, itself, missing] = figures.goals.map((goal) => judge(goal, figures.series));
  t.is(ratio?.figure.median, 0.55);
  t.true(ratio?.met);
  t.is(itself?.figure.median, 12);
  t.false(itself?.met);
  t.is(missing, null);
});

test('a table shows spreads, ratios, goals and notes', (t) => {
  t.is(
    tableOf(figures),
    `### CONNECT (µs)

| | min | median | max | gateway ÷ it: min | median | max |
|---|---:|---:|---:|---:|---:|---:|
| gateway | 10.0 | 12.0 | 20.0 |  |  |  |
| squid | 20.0 | 20.0 | 20.0 | 0.50 | 0.55 | 0.60 |
| floor | – | – | – | – | – | – |

- goal gateway ÷ squid ≤ 0.55: 0.55, met
- goal gateway ≥ 13: 12.0, missed
- goal gateway ÷ dante ≤ 1: not measured
- dante: not measured
`,
  );
});

test('a row that was not measured is no table', (t) => {
  t.is(tableOf({ ...figures, series: [], notes: ['not measured: …'] }), '### CONNECT\n\n- not measured: …\n');
});

test('numbers have three digits that count', (t) => {
  t.deepEqual([1234.5, 12.34, 1.234, 0.1234, 0.01234, 0].map(numberText), [
    '1235',
    '12.3',
    '1.23',
    '0.12',
    '0.012',
    '0',
  ]);
});

test('the command line', (t) => {
  t.deepEqual(parseOptions([]).rows, rowNames);
  t.deepEqual(parseOptions(['--only', 'http,connect']).rows, ['http', 'connect']);
  t.true(parseOptions(['--quick']).sizes.seconds < parseOptions([]).sizes.seconds);
  t.throws(() => parseOptions(['--only', 'http,conect']), { message: /--only conect: expected some of connect/ });
  t.throws(() => parseOptions(['--fast']));
});

test('neither a part of the rows nor a quick run replaces whole results', (t) => {
  t.is(parseOptions(['--only', 'http']).out, null);
  t.is(parseOptions(['--only', 'http', '--out', '/tmp/x']).out, '/tmp/x');
  t.is(parseOptions(['--quick']).out, null);
  t.is(parseOptions(['--quick', '--out', '/tmp/x']).out, '/tmp/x');
  t.is(parseOptions([]).out, 'test/bench/results');
});

test('a line of /proc/PID/stat, whatever the name in it', (t) => {
  const line = '42 (a) b (c)) S 7 42 42 0 -1 4194560 100 200 0 0 150 50 25 5 20 0 1 0 1000 1 1';
  t.deepEqual(parseStat(line), { parent: 7, cpuSeconds: 2.3 });
});

test('a family is all that descend from one', (t) => {
  const stats = new Map([1, 5, 5, 6, 1].map((parent, i) => [5 + i, { parent }]));
  t.deepEqual(familyOf(5, stats), [5, 6, 7, 8]);
});

test('a chart has the rows that have a reference, and marks what is cut', (t) => {
  const groups = barGroups([figures, { ...figures, row: 'start' }, { ...figures, row: 'socks5' }]);
  t.deepEqual(
    groups.map(({ title, over, bars }) => [title, over, bars.map(({ peer }) => peer)]),
    [
      ['CONNECT set-up, CPU', 'squid', ['gateway']],
      ['SOCKS5 set-up, CPU', 'squid', ['gateway']],
    ],
  );
  const gateway = { peer: 'gateway', samples: [10, null, 20] };
  t.deepEqual(barGroups([{ ...figures, series: [gateway, ...figures.series.slice(1)] }]), []);
  const chart = chartOf([{ title: 'a < b & c', over: 'squid', bars: [{ peer: 'x', ratio: 12.3 }] }], '"quoted"');
  t.true(chart.includes('12.3 →'));
  t.true(chart.includes('a &lt; b &amp; c') && chart.includes('&quot;quoted&quot;'));
});

test('a chart is well-formed XML', (t) => {
  const open: string[] = [];
  const chart = chartOf(barGroups([figures]), 'a <caption> & "more"');
  const rest = chart.replace(
    /<(\/?)([a-z]+)((?:\s[a-zA-Z0-9-]+="[^"<]*")*)\s*(\/?)>/g,
    (_tag, end, name, _fields, empty) => {
      if (end) t.is(open.pop(), name);
      else if (!empty) open.push(name);
      return '';
    },
  );
  t.deepEqual(open, []);
  t.notRegex(rest, /[<>]|&(?!(?:amp|lt|gt|quot);)/);
});

test('a check fails where something is worse, or nothing was compared', (t) => {
  const margin = { row: 'connect', over: 'squid', atMost: 0.6 } as const;
  t.true(compare([figures], [margin]).passed);
  const worse = compare([figures], [margin, { ...margin, atMost: 0.5 }]);
  t.false(worse.passed);
  t.deepEqual(worse.lines, [
    'connect: CPU of gateway ÷ squid, at most 0.6: 0.55 (0.50 to 0.60)',
    'connect: CPU of gateway ÷ squid, at most 0.5: 0.55 (0.50 to 0.60), WORSE',
  ]);
  const missing = { ...margin, over: 'dante' };
  t.true(compare([figures], [margin, missing]).passed);
  t.false(compare([figures], [missing]).passed);
  t.false(compare([], [margin]).passed);
});

test('a proxy that is not installed is named, and left out', (t) => {
  const [floor, squid] = peers;
  if (floor === undefined || squid === undefined) return t.fail();
  const { here, notes } = available([floor, { ...squid, missing: () => 'squid' }]);
  t.deepEqual(here, [floor]);
  t.deepEqual(notes, ['squid: not measured, package squid is not installed']);
});

/** A gateway's page of metrics: looks at two loops that were at most 1 ms, 4 ms or ever so late, by worker. */
function pageOf(looks: readonly (readonly [number, number, number])[], exchanges: number, open: number) {
  const lag = 'roundabout_event_loop_lag_seconds';
  const samples = looks.flatMap(([soon, later, all], i) => [
    ...Object.entries({ '0.001': soon, '0.004': later, '+Inf': all }).map(
      ([le, count]) => `${lag}_bucket{thread="worker-${i}",le="${le}"} ${count}`,
    ),
    `${lag}_sum{thread="worker-${i}"} 1`,
    `${lag}_count{thread="worker-${i}"} ${all}`,
  ]);
  const family = (name: string, type: string, lines: readonly string[]) =>
    `# HELP ${name} x\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
  const ended = family('roundabout_exchanges_total', 'counter', [
    `roundabout_exchanges_total{kind="ok"} ${exchanges}`,
    'roundabout_exchanges_total{kind="overloaded"} 1',
  ]);
  const gauge = family('roundabout_descriptors_open', 'gauge', [`roundabout_descriptors_open ${open}`]);
  return parseExposition(family(lag, 'histogram', samples) + ended + gauge);
}

test('what a gateway tells of itself is of the time in between, of all its threads', (t) => {
  const before = pageOf(
    [
      [0, 50, 50],
      [0, 0, 0],
    ],
    1_000,
    10,
  );
  const after = pageOf(
    [
      [90, 150, 150],
      [0, 98, 100],
    ],
    1_600,
    77,
  );
  t.is(
    tell('gateway', before, after),
    'gateway, by its own metrics: loops of its workers at most 4.00 ms late in 99 of 100 looks, 600 exchanges, 77 descriptors open',
  );
  t.regex(tell('gateway', after, after), /not looked at, 0 exchanges/);
});
