import { Socket } from 'node:net';
import test from 'ava';
import { RequestHeadDecoder } from '../../src/protocol/http-head.ts';
import type { RequestHead } from '../../src/protocol/http-message.ts';
import { type ConnectionEvents, HttpConnection } from '../../src/transport/http-connection.ts';

const limits = { headBytes: 65_536, startLineBytes: 16_384, fieldLineBytes: 32_768, fieldCount: 200 };

test('ten thousand chunks that come together are delivered together', (t) => {
  const contents: Buffer[] = [];
  let ends = 0;
  const events: ConnectionEvents<RequestHead> = {
    headBegun() {},
    head: () => connection.readContent({ type: 'chunked' }),
    content: (chunk) => contents.push(chunk),
    contentEnd: () => ends++,
    fault: ({ detail }) => t.fail(detail),
    ended() {},
    closed() {},
  };
  const socket = new Socket();
  t.teardown(() => void socket.destroy());
  const connection = new HttpConnection(socket, { decoder: new RequestHeadDecoder(limits), role: 'request', events });
  connection.readHead();
  connection.feed(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'));
  connection.feed(Buffer.from(`${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`));
  t.deepEqual(contents.map(String), ['x'.repeat(10_000)]);
  t.is(ends, 1);
});
