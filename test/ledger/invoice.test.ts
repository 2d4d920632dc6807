import test from 'ava';
import fc from 'fast-check';
import { isCurrency } from '../../src/ledger/bill-currency.ts';
import { decodeBill } from '../../src/ledger/bill-table.ts';
import { readBill } from '../../src/ledger/invoice.ts';

const faultOf = (text: string, chosen = {}) => {
  const reading = readBill(text, chosen);
  return reading.ok ? null : reading.fault;
};
const linesOf = (text: string, chosen = {}) => {
  const reading = readBill(text, chosen);
  if (!reading.ok) throw new Error(reading.fault);
  return reading.lines.map(({ day, octets, requests, amount }) => [day, octets, requests, amount]);
};

const euro = 10n ** 21n;

test('a CSV with usual names is read, its days in order and summed', (t) => {
  const csv =
    '\uFEFFDate,GB,Requests,Amount\r\n2026-11-02,1.5,"1,200",$6.30\r\n2026-11-01T00:00:00Z,0.000000001,3,0\r\n2026-11-02,0.5,1,2.10 USD\r\n';
  t.deepEqual(linesOf(csv), [
    ['2026-11-01', 1n, 3n, 0n],
    ['2026-11-02', 2_000_000_000n, 1_201n, (84n * euro) / 10n],
  ]);
});

test('columns can be named, and the unit told; what the bill doesn’t have is null', (t) => {
  const csv = 'when;volume;note\n2026-11-01;1;"a; ""b"""\n';
  t.deepEqual(linesOf(csv, { day: 'When', gb: 'volume', unit: 2n ** 30n }), [['2026-11-01', 2n ** 30n, null, null]]);
});

test('names of columns are known however they are spelt; what is in none of them is told', (t) => {
  const reading = readBill('Usage Date,Traffic (GB),"Amount, USD",Plan\n2026-11-01,2,1.50,basic\n', {});
  t.like(reading, { ok: true, unused: ['plan'] });
  t.deepEqual(linesOf('Usage Date,Traffic (GB),"Amount, USD",Plan\n2026-11-01,2,1.50,basic\n'), [
    ['2026-11-01', 2_000_000_000n, null, (15n * euro) / 10n],
  ]);
  t.like(readBill('day,amount,traffic_gib\n2026-11-01,2,1\n', {}), { ok: true, unused: ['traffic_gib'] });
});

test('JSON is read: an array, or what holds one', (t) => {
  const days = [{ day: '2026-11-01', traffic_gb: 2, cost: '8.40' }];
  t.deepEqual(linesOf(JSON.stringify(days)), [['2026-11-01', 2_000_000_000n, null, (84n * euro) / 10n]]);
  t.deepEqual(linesOf(JSON.stringify({ data: days })), linesOf(JSON.stringify(days)));
});

test('of JSON all columns count, whichever entries have them; of several arrays the first with objects', (t) => {
  const days = [
    { day: '2026-11-01', gb: 1 },
    { day: '2026-11-02', gb: 1, amount: 5, plan: 'basic' },
  ];
  t.deepEqual(linesOf(JSON.stringify({ meta: [], tags: ['x'], days })), [
    ['2026-11-01', 1_000_000_000n, null, null],
    ['2026-11-02', 1_000_000_000n, null, 5n * euro],
  ]);
  t.like(readBill(JSON.stringify(days), {}), { unused: ['plan'] });
});

test('numbers are read as programs write them, and what is empty as nothing', (t) => {
  const json =
    '[{"day":"2026-11-01","gb":1e-7,"amount":null},{"day":"2026-11-02","gb":0.30000000000000004,"amount":2.5e3}]';
  t.deepEqual(linesOf(json), [
    ['2026-11-01', 100n, null, null],
    ['2026-11-02', 300_000_000n, null, 2_500n * euro],
  ]);
  t.deepEqual(linesOf('day,gb,amount\n2026-11-01,1.5258789062500001E-07,\n2026-11-02,,2'), [
    ['2026-11-01', 152n, null, null],
    ['2026-11-02', null, null, 2n * euro],
  ]);
  t.like(readBill('day,gb,amount\n2026-11-01,1,\n', {}), { ok: true, unused: ['amount'] });
  t.regex(faultOf('day,gb,amount\n2026-11-01,,\n') ?? '', /no line tells traffic, requests or an amount/);
});

test('the separator is the one by which the head has columns that are known', (t) => {
  const days = [['2026-11-01', 2_000_000_000n, null, (35n * euro) / 10n]];
  t.deepEqual(linesOf('Day;Traffic, GB;Amount, USD\n2026-11-01;2;3.50'), days);
  t.deepEqual(
    linesOf('Day\tTraffic (GB)\tAmount, USD; net\n2026-11-01\t2\t3.50', { amount: 'Amount, USD; net' }),
    days,
  );
  t.deepEqual(linesOf('Day,GB,"Amount; USD"\n2026-11-01,2,3.50'), days);
  t.regex(faultOf('a;b, c;d\n1;2;3') ?? '', /its columns are a, b, c, d/);
});

test('cells in quotes may hold line breaks, and lines are told as they are counted in the file', (t) => {
  const csv = 'day,"traffic\r\nGB",note\r\n2026-11-01,1,"a\nb"\r\n\r\n2026-11-02,2," ""c"", d"\r\n';
  t.deepEqual(linesOf(csv), [
    ['2026-11-01', 1_000_000_000n, null, null],
    ['2026-11-02', 2_000_000_000n, null, null],
  ]);
  t.regex(faultOf(`${csv}2026-11-03,x,\r\n`) ?? '', /^line 7: "x" in traffic gb is no number/);
  for (const open of ['"a', '"a ""b', '"a""'])
    t.regex(
      faultOf(`day,gb,note\n2026-11-01,1,a\n2026-11-01,1,${open}\n2026-11-02,2,b`) ?? '',
      /^line 3: a quote is not closed/,
    );
  t.is(linesOf('day,gb,note\n2026-11-01,1,5" disk\n2026-11-02,2,b').length, 2, 'a quote within a cell is one');
  t.is(linesOf('day,gb\r2026-11-01,1\r2026-11-02,1').length, 2, 'lines that end as on old Macs');
});

test('numbers with a decimal comma are read where they can mean one thing only', (t) => {
  const csv = (...figures: string[]) => `day;gb\n${figures.map((one, i) => `2026-11-0${i + 1};${one}`).join('\n')}`;
  const read = (figures: string[], terms = {}) =>
    linesOf(csv(...figures), terms).map(([, octets]) => Number(octets) / 1e9);
  t.deepEqual(read(['12,5', '0,125', '1234,567', '1.234,5', '1 234,5 ']), [12.5, 0.125, 1234.567, 1234.5, 1234.5]);
  t.deepEqual(read(['1,234.5', '1.234', '1,234,567', '2']), [1234.5, 1.234, 1_234_567, 2]);
  t.deepEqual(read(['1.234', '2']), [1.234, 2], 'without a comma anywhere');
  t.deepEqual(read(['1,234', '12,5', '1.234']), [1.234, 12.5, 1234], 'another number of the column settles it');
  t.deepEqual(read(['1,234', '12.5']), [1234, 12.5]);
  const ambiguous = /^line 2: "1,234" in gb may be 1234 or 1.234: its decimal mark is not known/;
  t.regex(faultOf(csv('1,234')) ?? '', ambiguous);
  t.regex(faultOf(csv('1,234', '2')) ?? '', ambiguous);
  t.regex(faultOf(csv('1,234', '12.5', '12,5')) ?? '', ambiguous, 'numbers that contradict each other settle nothing');
  t.regex(faultOf('day;gb;amount\n2026-11-01;1.234;3,50') ?? '', /"1.234" in gb may be 1234 or 1.234/);
  t.deepEqual(read(['1,234'], { decimalMark: ',' }), [1.234]);
  t.deepEqual(read(['1,234'], { decimalMark: '.' }), [1234]);
  for (const wrong of ['1,23.5', '1.23,5', '1,2345,678', '12,5,', ',5', '1.234.5'])
    t.regex(faultOf(csv(wrong)) ?? '', /is no number/, wrong);
  t.deepEqual(linesOf('day,gb\n2026-11-01,"1,234"')[0]?.[1], 1_234_000_000_000n, 'as is usual between commas');
});

test('currencies are told as they are written: in amounts, above them and beside them', (t) => {
  const currencies = (text: string, chosen = {}) => {
    const reading = readBill(text, chosen);
    return reading.ok ? reading.currencies : reading.fault;
  };
  t.deepEqual(currencies('day,amount\n2026-11-01,$1\n2026-11-02,2 EUR\n2026-11-03,EUR 2\n'), ['$', 'EUR']);
  t.deepEqual(currencies('day,"Amount, USD",price\n2026-11-01,1,€3\n'), ['USD']);
  t.deepEqual(currencies('day,cost (£)\n2026-11-01,1\n', { amount: 'cost (£)' }), ['£']);
  t.deepEqual(currencies('day,gb,amount,currency\n2026-11-01,1,2,eur\n2026-11-02,1,,GBP\n'), ['EUR']);
  t.like(readBill('day,amount,currency\n2026-11-01,1,EUR\n', {}), { unused: [] });
  t.like(readBill('day,gb,amount,currency\n2026-11-01,1,,EUR\n', {}), {
    unused: ['amount', 'currency'],
    currencies: [],
  });
  t.deepEqual(currencies('day,amount\n2026-11-01,1\n'), []);
  t.deepEqual(currencies('day,cost_chf,name\n2026-11-01,1,all\n'), ['CHF']);
  t.deepEqual(currencies('day,amount\n2026-11-01,US$0.10\n2026-11-02,-CA$ 2\n2026-11-03,US$1 USD\n'), [
    'US$',
    'CA$',
    'USD',
  ]);
  t.like(readBill('day,amount\n2026-11-01,US$0.10\n', {}), { lines: [{ amount: 10n ** 20n }] });
  t.regex(faultOf('day,amount\n2026-11-01,X$1') ?? '', /is no number/);
  for (const amount of ['USD$0.10', 'CAD$0.10', '$0.10 USD', 'HKD$0.10'])
    t.like(readBill(`day,amount\n2026-11-01,${amount}\n`, {}), { lines: [{ amount: 10n ** 20n }] }, amount);
  t.true(isCurrency('US$', 'USD') && !isCurrency('US$', 'CAD'));
  t.true(isCurrency('$', 'USD') && isCurrency('EUR', 'EUR') && !isCurrency('$', 'EUR') && !isCurrency('USD', 'EUR'));
  t.regex(faultOf('day,gb\n2026-11-01,2 TIB') ?? '', /is no number/, 'traffic has no currency');
});

test('a file is read in UTF-8 or, by its mark, UTF-16', (t) => {
  const text = '\uFEFFTag\tGB\n2026-11-01\t1';
  const utf16 = Buffer.from(text, 'utf16le');
  for (const octets of [Buffer.from(text), utf16, Buffer.from(utf16).swap16()])
    t.deepEqual(linesOf(decodeBill(octets), { day: 'tag' }), [['2026-11-01', 1_000_000_000n, null, null]]);
});

test('what is wrong is told with its place', (t) => {
  t.regex(faultOf('') ?? '', /no lines/);
  t.regex(faultOf('day,gb\n') ?? '', /no lines/);
  t.regex(faultOf('a,b\n1,2') ?? '', /no column is known to hold the day: its columns are a, b/);
  t.regex(faultOf('day,b\n2026-11-01,2') ?? '', /traffic, requests or an amount/);
  t.regex(faultOf('day,gb\n2026-11-01,2\n01.11.2026,3') ?? '', /^line 3: "01.11.2026" is no day/);
  t.regex(faultOf('day,gb\n2026-02-30,2') ?? '', /^line 2: "2026-02-30" is no day/);
  t.regex(faultOf('day,gb\n2026-11-01,much') ?? '', /^line 2: "much" in gb is no number/);
  t.regex(faultOf('day,gb\n2026-11-01') ?? '', /^line 2: expected 2 cells, found 1/);
  t.regex(faultOf('day,gb,GB\n2026-11-01,1,2') ?? '', /^line 1: several columns are called "gb"/);
  t.regex(
    faultOf('[{"day":"2026-11-01","gb":1},{"day":"2026-11-02","gb":1,"GB":2}]') ?? '',
    /^entry 2: several columns/,
  );
  t.is(faultOf('day,gb,,\n2026-11-01,1,x,y'), null, 'what isn’t compared may have any name');
  t.regex(faultOf('day,gb\n2026-11-01,1', { gb: 'volume' }) ?? '', /no column "volume"/);
  t.regex(faultOf('[1]') ?? '', /^entry 1: expected an object/);
  t.regex(faultOf('{"days": []}') ?? '', /no lines/);
  t.regex(faultOf('[{"day":"2026-11-01","gb":1},[2]]') ?? '', /^entry 2: expected an object/);
  t.regex(faultOf('{"a": 1}') ?? '', /array of objects/);
  t.regex(faultOf('[{') ?? '', /no JSON/);
});

test('whatever it is fed it answers', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      t.is(typeof readBill(text, {}).ok, 'boolean');
      t.is(typeof readBill(`day,gb\n${text}`, {}).ok, 'boolean');
      t.is(typeof readBill(`[${text}]`, {}).ok, 'boolean');
    }),
  );
});
