import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import { Exchange } from '../../src/gateway/exchange.ts';
import { watchResponse } from '../../src/gateway/forwarding/response-watch.ts';
import { Fields } from '../../src/protocol/fields.ts';
import type { Framing } from '../../src/protocol/http-message.ts';
import { wholeRule } from '../../src/signals/block-rule.ts';
import { BlockRules } from '../../src/signals/block-rules.ts';
import { PageReader } from '../../src/signals/page-text.ts';

/** Watches one response to an exchange over the exit in slot 3, and collects what is learned. */
function setUp(
  response: { status: number; framing: Framing; fields?: Readonly<Record<string, string>> },
  rules: BlockRules = new BlockRules(),
  method: 'GET' | 'HEAD' = 'GET',
) {
  const learned: unknown[] = [];
  const signals = {
    blocks: () => rules,
    pages: new PageReader(),
    learner: { judged: (...judgement: unknown[]) => learned.push(judgement) },
  };
  const opening = { id: 'r-1', mode: 'forward', method, listener: 'mixed', source: '', startedAt: 0 } as const;
  const exchange = new Exchange(opening);
  exchange.authority = { host: 'www.shop.example', port: 80, family: 0 };
  exchange.site = 'shop.example';
  exchange.choice = { slot: 3 } as Exchange['choice'];
  exchange.inFlight = 2;
  const fields = new Fields();
  for (const [name, value] of Object.entries(response.fields ?? {})) fields.append(name, value);
  const plan = { ...response, fields, reason: '', minorVersion: 1, keepAlive: true } as const;
  const watch = watchResponse({ signals } as unknown as Collaborators, exchange, plan);
  return { exchange, watch, learned };
}

const chunked = { type: 'chunked' } as const;
const wall = Buffer.from('<html><div id="px-captcha"></div></html>');

test('a head that says enough needs no watch', (t) => {
  const { watch, exchange, learned } = setUp({ status: 200, framing: { type: 'length', octets: 9 } });
  t.is(watch, null);
  t.is(exchange.verdict.page, 'served');
  t.deepEqual(learned, [
    [
      { slot: 3, generation: 2 },
      'shop.example',
      { verdict: 'served', weight: 1, retryAfterMs: null, client: undefined },
    ],
  ]);
});

test('content says the same, in whatever pieces it comes', (t) => {
  for (let at = 0; at <= wall.length; at++) {
    const { watch, exchange, learned } = setUp({ status: 403, framing: chunked });
    // The relay may use a chunk's memory again.
    for (const piece of [wall.subarray(0, at), wall.subarray(at)].map((part) => Buffer.from(part))) {
      watch?.content(piece);
      piece.fill(0);
    }
    t.is(learned.length, 0);
    watch?.end(true);
    watch?.end(true);
    t.is(exchange.verdict.rule, 'perimeterx', `split at ${at}`);
    t.is(learned.length, 1);
  }
});

test.serial('content that comes octet by octet is kept in few pieces', (t) => {
  const { concat } = Buffer;
  t.teardown(() => {
    Buffer.concat = concat;
  });
  let most = 0;
  Buffer.concat = (list, octets) => {
    most = Math.max(most, list.length);
    return concat(list, octets);
  };
  const { watch, learned } = setUp({ status: 403, framing: chunked });
  const octets = Buffer.alloc(65_536, 'a');
  for (let at = 0; at < octets.length; at++) watch?.content(octets.subarray(at, at + 1));
  t.is(learned.length, 1);
  t.true(most < 70, `${most} pieces`);
});

test('after 64 KiB the verdict is known, and nothing more is kept', (t) => {
  const { watch, exchange, learned } = setUp({ status: 403, framing: chunked });
  watch?.content(Buffer.alloc(65_535));
  t.is(learned.length, 0);
  watch?.content(Buffer.concat([Buffer.alloc(1), wall]));
  t.is(exchange.verdict.rule, 'status-403', 'what comes later doesn’t count');
  watch?.content(wall);
  watch?.end(true);
  t.is(learned.length, 1);
});

test('coded content is judged a moment later', async (t) => {
  const fields = { 'Content-Encoding': 'gzip' };
  const { watch, exchange, learned } = setUp({ status: 403, framing: chunked, fields });
  watch?.content(gzipSync(wall));
  watch?.end(true);
  t.is(exchange.verdict.page, 'unknown');
  await exchange.judging;
  t.is(exchange.verdict.rule, 'perimeterx');
  t.is(learned.length, 1);
});

test('more pages than can be decoded at once are judged without their content', async (t) => {
  const reader = new PageReader();
  const pages = await Promise.all(Array.from({ length: 20 }, () => reader.read(gzipSync(wall), ['gzip'])));
  t.is(pages.filter((page) => page === null).length, 4);
  t.deepEqual(await reader.read(gzipSync(wall), ['gzip']), wall);
});

test('what says nothing teaches nothing', (t) => {
  const { watch, exchange, learned } = setUp({ status: 500, framing: chunked });
  t.is(watch, null);
  t.is(exchange.verdict.page, 'unknown');
  t.deepEqual(learned, []);
});

test('a rule about one site is not asked about another', (t) => {
  const rules = new BlockRules([wholeRule({ site: 'other.example', body: ['x'], verdict: 'refused' }, 'own')]);
  t.is(setUp({ status: 200, framing: chunked }, rules).watch, null);
});

test('a rule about short pages waits for the length of one that has none yet', (t) => {
  const rules = new BlockRules([wholeRule({ status: [200], upTo: 2_048, verdict: 'refused' }, 'own')]);
  const pageOf = (octets: number, isWhole = true) => {
    const { watch, exchange, learned } = setUp({ status: 200, framing: chunked }, rules);
    t.deepEqual(learned, []);
    watch?.content(Buffer.alloc(octets));
    watch?.end(isWhole);
    return exchange.verdict.page;
  };
  t.is(pageOf(0), 'refused');
  t.is(pageOf(2_048), 'refused');
  t.is(pageOf(2_049), 'served');
  t.is(pageOf(100_000), 'served');
  t.is(pageOf(1_000, false), 'served', 'what was cut may be longer');
});

test('a page that was cut is no short one', (t) => {
  const rules = new BlockRules([wholeRule({ body: ['robot'], upTo: 2_048, verdict: 'refused' }, 'own')]);
  for (const [isWhole, page] of [
    [true, 'refused'],
    [false, 'served'],
  ] as const) {
    const { watch, exchange } = setUp({ status: 200, framing: chunked }, rules);
    watch?.content(Buffer.from('are you a robot?'));
    watch?.end(isWhole);
    t.is(exchange.verdict.page, page);
  }
});

test('what HEAD is answered with has no length that a rule could ask for', (t) => {
  const rules = new BlockRules([wholeRule({ status: [200], upTo: 2_048, verdict: 'refused' }, 'own')]);
  const none = { status: 200, framing: { type: 'none' } } as const;
  for (const [method, page] of [
    ['HEAD', 'served'],
    ['GET', 'refused'],
  ] as const) {
    const { watch, exchange } = setUp(none, rules, method);
    t.is(watch, null);
    t.is(exchange.verdict.page, page);
  }
});
