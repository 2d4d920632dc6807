import test from 'ava';
import type { ContentFlow } from '../../src/gateway/content-flow.ts';
import { RequestContent } from '../../src/gateway/request-content.ts';

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
