import test from 'ava';
import fc from 'fast-check';
import { type ListedExit, ListReader } from '../../src/pool/list-formats/list-reader.ts';
import { linesOfItem } from '../../src/sources/api-exit.ts';

const parts = ['host', 'port', 'scheme', 'username', 'password', 'country', 'city', 'name'] as const;
const call = { scheme: 'http', exit: parts.map((part) => [part, [{ name: part }]] as const) };

function readBack(lines: string): { exits: ListedExit[]; faults: string[] } {
  const exits: ListedExit[] = [];
  const faults: string[] = [];
  const reader = new ListReader(
    { format: 'pipe', scheme: 'http' },
    { exit: (exit) => exits.push(exit), fault: (_, message) => faults.push(message) },
  );
  reader.push(lines);
  reader.end();
  return { exits, faults };
}

test('an item is an exit', (t) => {
  t.is(linesOfItem(call, { host: '192.0.2.1', port: 80 }), 'http://192.0.2.1:80');
  t.is(linesOfItem(call, { host: '2001:db8::1', port: '1080', scheme: 'SOCKS5' }), 'socks5://[2001:db8::1]:1080');
  t.is(linesOfItem({ scheme: 'http', exit: [['line', []]] }, 'a:1\nb:2'), 'a:1\nb:2');
});

test('what is no exit is none', (t) => {
  for (const item of [
    null,
    'a:1',
    {},
    { host: 'a' },
    { host: 'a', port: '' },
    { host: 'a b', port: 1 },
    { host: 'a/b', port: 1 },
    { host: 'a@b', port: 1 },
    { host: 'a\nb', port: 1 },
    { host: 'a', port: 1, scheme: 'direct' },
    { host: ['a'], port: 1 },
    { host: '1:2', port: 1 },
    { host: 'a', port: '1|country=de' },
    { host: 'a', port: 1, password: 'x' },
  ]) {
    t.is(linesOfItem(call, item), null, JSON.stringify(item));
  }
  t.is(linesOfItem({ scheme: 'http', exit: [['line', []]] }, { a: 1 }), null);
});

test('whatever stands in an item comes back, and nothing beside it', (t) => {
  const text = fc.string({
    unit: fc.constantFrom('a', ':', '@', '|', '#', '%', '/', ' ', '=', ';', 'ä', '\u{1F600}'),
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(
    fc.property(text, text, text, (username, password, name) => {
      const line = linesOfItem(
        { ...call, scheme: 'socks5' },
        { host: 'h.example', port: 8080, username, password, city: name, country: 'de' },
      );
      const { exits, faults } = readBack(`${line}\n`);
      t.deepEqual(faults, [], String(line));
      t.is(exits.length, 1);
      const { endpoint, geo } = exits[0]!;
      t.like(endpoint, { host: 'h.example', port: 8080, username, password });
      const city = name.trim();
      if (city !== '' && !/^[-?]+$/.test(city)) t.is(geo.city, city);
      t.is(geo.country, 'de');
    }),
  );
});
