import test from 'ava';
import { Sites } from '../../src/signals/sites.ts';

test('the site is the registrable domain, private suffixes included', (t) => {
  const sites = new Sites();
  for (const [host, site] of [
    ['www.shop.example', 'shop.example'],
    ['shop.example', 'shop.example'],
    ['a.b.shop.co.uk', 'shop.co.uk'],
    ['alice.github.io', 'alice.github.io'],
    ['x.bob.github.io', 'bob.github.io'],
    ['under_score.shop.example', 'shop.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ] as const) {
    t.is(sites.of(host), site);
    t.is(sites.of(host), site, 'from memory');
  }
});

test('what has no registrable domain is its own site', (t) => {
  const sites = new Sites();
  for (const host of ['192.0.2.7', '2001:db8::1', 'localhost', 'co.uk', 'github.io', '__proto__', 'constructor'])
    t.is(sites.of(host), host);
});

test('memory of hosts is bounded', (t) => {
  const sites = new Sites({ capacity: 10 });
  for (let i = 0; i < 1_000; i++) t.is(sites.of(`h${i}.shop.example`), 'shop.example');
  t.true(sites.size <= 10);
});
