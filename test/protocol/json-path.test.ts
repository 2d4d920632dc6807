import test from 'ava';
import fc from 'fast-check';
import { type JsonPath, parseJsonPath, selectAll } from '../../src/protocol/json-path.ts';

const select = (text: string, value: unknown): unknown => {
  const read = parseJsonPath(text);
  return read.ok ? selectAll(read.value, value) : read.fault.detail;
};

const document = { results: [{ a: 1 }, { a: 2, 'b c': [3, 4] }, 'x'], 'odd.name': { deep: null }, list: [] };

test('a path leads to values', (t) => {
  t.deepEqual(select('$', document), [document]);
  t.deepEqual(select('$.results[*].a', document), [1, 2]);
  t.deepEqual(select('$.results[1]["b c"][0]', document), [3]);
  t.deepEqual(select("$['odd.name'].deep", document), [null]);
  t.deepEqual(select('$.results[9]', document), []);
  t.deepEqual(select('$.list[*]', document), []);
  t.deepEqual(select('$[*]', [1, 2]), [1, 2]);
});

test('what is not the document’s own is not found', (t) => {
  for (const path of ['$.constructor', "$['__proto__']", '$.results.length', '$.toString', '$.odd.length']) {
    t.deepEqual(select(path, document), [], path);
  }
  t.deepEqual(select("$['__proto__']", JSON.parse('{"__proto__":7}')), [7]);
});

test('what is no path is a fault with its place', (t) => {
  t.regex(String(select('results', document)), /begins with \$/);
  for (const [path, at] of [
    ['$.', 2],
    ['$..a', 2],
    ['$.a[', 4],
    ['$.a[-1]', 4],
    ['$.a[01]', 4],
    ['$.a[?(@.b)]', 4],
    ['$.a[0:2]', 4],
    ['$.a b', 4],
    ["$['a\\'b']", 2],
    ['$[1e3]', 2],
  ] as const) {
    t.regex(String(select(path, document)), new RegExp(`^at character ${at} `), path);
  }
  t.regex(String(select(`$${'[0]'.repeat(33)}`, document)), /32 steps/);
});

test('any way into any value finds what stands there', (t) => {
  const step = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '.', ' ', '"', '[', ']', '*') }).map((name) => ({ name })),
    fc.nat(3).map((index) => ({ index })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const text = steps.map((one) => ('name' in one ? `['${one.name}']` : `[${one.index}]`)).join('');
      const value = steps.reduceRight<unknown>(
        (inner, one) => ('name' in one ? { [one.name]: inner } : [...Array(one.index).fill(null), inner]),
        'found',
      );
      const read = parseJsonPath(`$${text}`);
      t.deepEqual(read.ok ? (read.value as JsonPath) : null, steps);
      t.deepEqual(read.ok ? selectAll(read.value, value) : null, ['found']);
    }),
  );
});
