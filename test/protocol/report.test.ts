import test from 'ava';
import fc from 'fast-check';
import { parseReport } from '../../src/protocol/report.ts';

const read = (value: unknown) => parseReport(JSON.stringify(value));

test('an exchange is named by id, by session, by session and site, or by tag', (t) => {
  const rest = { verdict: 'refused', retryAfterMs: null } as const;
  const id = '0b0e3a6c-77a1-4b7b-9a39-2d0d5f4a2b11';
  t.deepEqual(read({ id, verdict: 'refused' }), { ok: true, report: { about: { by: 'id', id }, ...rest } });
  t.deepEqual(read({ session: 'cart42', verdict: 'refused' }), {
    ok: true,
    report: { about: { by: 'session', session: 'cart42', host: null }, ...rest },
  });
  t.deepEqual(read({ session: 'cart42', site: 'WWW.Shop.Example.', verdict: 'refused' }), {
    ok: true,
    report: { about: { by: 'session', session: 'cart42', host: 'www.shop.example' }, ...rest },
  });
  t.deepEqual(read({ tag: 'night_7', verdict: 'refused' }), {
    ok: true,
    report: { about: { by: 'tag', tag: 'night_7' }, ...rest },
  });
});

test('a refusal may say for how long', (t) => {
  t.like(read({ id: 'a', verdict: 'challenge', retryAfter: 1.5 }), {
    report: { verdict: 'challenge', retryAfterMs: 1_500 },
  });
});

test('a fault names its place', (t) => {
  const wrong: readonly [unknown, string][] = [
    [null, ''],
    [[], ''],
    ['served', ''],
    [{ verdict: 'served' }, ''],
    [{ id: 'a', tag: 'b', verdict: 'served' }, ''],
    [{ id: '', verdict: 'served' }, 'id'],
    [{ id: 7, verdict: 'served' }, 'id'],
    [{ session: 'a b', verdict: 'served' }, 'session'],
    [{ tag: 'x'.repeat(65), verdict: 'served' }, 'tag'],
    [{ session: 'a', site: 'http://x/', verdict: 'served' }, 'site'],
    [{ session: 'a', site: null, verdict: 'served' }, 'site'],
    [{ id: 'a', site: 'shop.example', verdict: 'served' }, 'site'],
    [{ id: 'a' }, 'verdict'],
    [{ id: 'a', verdict: 'banned' }, 'verdict'],
    [{ id: 'a', verdict: 'refused', retryAfter: '60' }, 'retryAfter'],
    [{ id: 'a', verdict: 'refused', retryAfter: -1 }, 'retryAfter'],
    [{ id: 'a', verdict: 'refused', retryAfter: 86_401 }, 'retryAfter'],
    [{ id: 'a', verdict: 'served', retryAfter: 1 }, 'retryAfter'],
    [{ id: 'a', verdict: 'served', exit: 'b' }, 'exit'],
  ];
  for (const [value, place] of wrong) t.like(read(value), { ok: false, fault: { place } }, JSON.stringify(value));
  t.like(parseReport('{"id":'), { ok: false, fault: { place: '', detail: 'expected JSON' } });
  t.like(parseReport('{"__proto__":{"id":"a"},"verdict":"served"}'), { ok: false, fault: { place: '__proto__' } });
});

test('no value throws', (t) => {
  fc.assert(fc.property(fc.jsonValue(), (value) => typeof read(value).ok === 'boolean'));
  fc.assert(fc.property(fc.string(), (text) => typeof parseReport(text).ok === 'boolean'));
  t.pass();
});
