import test from 'ava';
import { RequestContent } from '../../src/gateway/forwarding/request-content.ts';
import type { ContentFlow } from '../../src/gateway/limits/content-flow.ts';
import { Fields } from '../../src/protocol/fields.ts';
import type { Framing } from '../../src/protocol/http-message.ts';

test('each attempt has a pace of its own, and gives back what the one before had paid for', (t) => {
  const connection = { gate: null as unknown, pause() {}, resume() {}, readContent() {} };
  const framing = { type: 'length', octets: 10 } as const;
  const content = new RequestContent(connection as never, { framing, keepBytes: 100, onFault: () => t.fail() });
  const told: string[] = [];
  const flowOf = (name: string) => {
    const flow = { passed: (octets: number) => told.push(`${name} ${octets}`), end: () => told.push(`${name} ends`) };
    return flow as unknown as ContentFlow;
  };
  const sink = { write: () => true, end() {} };
  const [first, second] = [flowOf('first'), flowOf('second')];
  content.pace(() => first);
  content.sendTo(sink);
  t.is(connection.gate, first);
  content.take(Buffer.from('012'));
  content.stop();
  content.pace(() => second);
  content.sendTo(sink);
  t.is(connection.gate, second);
  content.take(Buffer.from('345'));
  content.stop();
  content.pace(() => null);
  t.is(connection.gate, null, 'a pool without a limit');
  t.deepEqual(told, ['first 3', 'first ends', 'second 3', 'second ends']);
});

test('so does the last one, and what is thrown away behind it is nobody’s to pace', async (t) => {
  const connection = { gate: null as unknown, pause() {}, resume() {}, readContent() {} };
  const framing = { type: 'length', octets: 10 } as const;
  const content = new RequestContent(connection as never, { framing, keepBytes: 100, onFault: () => t.fail() });
  const told: string[] = [];
  const flow = { passed: (octets: number) => told.push(`${octets}`), end: () => told.push('ends') };
  content.pace(() => flow as unknown as ContentFlow);
  content.sendTo({ write: () => true, end() {} });
  content.take(Buffer.from('012'));
  content.stop();
  t.deepEqual(told, ['3', 'ends']);
  const passed = content.discard();
  t.is(connection.gate, null);
  content.take(Buffer.from('3456789'));
  content.finish(new Fields());
  t.true(await passed);
  t.deepEqual(told, ['3', 'ends']);
});

test('who is sent it is told how long its pace holds it back', (t) => {
  const connection = { gate: null as unknown, pause() {}, resume() {}, readContent() {} };
  const framing = { type: 'length', octets: 10 } as const;
  const content = new RequestContent(connection as never, { framing, keepBytes: 0, onFault: () => t.fail() });
  let hold: (waitMs: number) => void = () => t.fail();
  content.pace((onWait) => {
    hold = onWait;
    return null;
  });
  hold(5);
  const waits: number[] = [];
  content.sendTo({ write: () => true, end() {}, held: (waitMs) => waits.push(waitMs) });
  hold(70_000);
  content.stop();
  hold(80_000);
  t.deepEqual(waits, [70_000]);
});

test('content that came octet by octet is kept in few pieces', (t) => {
  const connection = { gate: null as unknown, pause() {}, resume() {}, readContent() {} };
  const framing = { type: 'length', octets: 65_536 } as const;
  const content = new RequestContent(connection as never, { framing, keepBytes: 65_536, onFault: () => t.fail() });
  content.sendTo({ write: () => true, end() {} });
  const octets = Buffer.from(Array.from({ length: 65_536 }, (_, at) => at & 255));
  for (let at = 0; at < octets.length; at++) content.take(octets.subarray(at, at + 1));
  content.stop();
  const again: Buffer[] = [];
  content.sendTo({ write: (chunk) => again.push(chunk) > 0, end() {} });
  t.true(again.length < 70, `${again.length} pieces`);
  t.true(Buffer.concat(again).equals(octets));
});

test('only content that is sure to be kept whole can be sent twice, whatever becomes of it', (t) => {
  const connection = { gate: null as unknown, pause() {}, resume() {}, readContent() {} };
  const contentOf = (framing: Framing, keepBytes = 10) =>
    new RequestContent(connection as never, { framing, keepBytes, onFault: () => t.fail() });
  t.true(contentOf({ type: 'none' }).staysReplayable);
  t.true(contentOf({ type: 'length', octets: 0 }, 0).staysReplayable);
  t.true(contentOf({ type: 'length', octets: 10 }).staysReplayable);
  t.false(contentOf({ type: 'length', octets: 11 }).staysReplayable);
  const chunked = contentOf({ type: 'chunked' });
  chunked.take(Buffer.from('01234'));
  t.false(chunked.staysReplayable, 'more may come');
  chunked.finish(new Fields());
  t.true(chunked.staysReplayable);
});
