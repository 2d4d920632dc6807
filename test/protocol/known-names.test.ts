import test from 'ava';
import { knownName } from '../../src/protocol/known-names.ts';

const find = (name: string) => knownName(`x${name}: v`, 1, 1 + name.length);

test('names are found as they are often written, with their keys', (t) => {
  for (const name of ['Host', 'host', 'User-Agent', 'user-agent', 'ETag', 'WWW-Authenticate', 'TE', 'Content-Length'])
    t.deepEqual(find(name), { name, key: name.toLowerCase() });
});

test('any other name, or spelling, is not known', (t) => {
  for (const name of ['HOST', 'hOst', 'Hos', 'Hostt', 'X-Any', '__proto__', 'user_agent', '']) t.is(find(name), null);
});
