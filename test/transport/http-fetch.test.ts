import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { type FetchRequest, fetchFailure, httpFetch } from '../../src/transport/http-fetch.ts';
import { listen } from '../support/peers.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A server at 127.0.0.1 and the port of it, with what it was asked. */
async function serverOf(t: ExecutionContext, answer: Answer) {
  const asked: IncomingMessage[] = [];
  const peer = await listen(
    createServer((request, response) => {
      asked.push(request);
      answer(request, response);
    }),
  );
  t.teardown(() => peer.close());
  return { asked, port: peer.port };
}

const fetched = (url: string, more: Partial<FetchRequest> = {}) =>
  httpFetch({ url, isClosed: () => true, signal: AbortSignal.timeout(30_000), ...more });

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('no redirect leads to a closed address, however it is written', async (t) => {
  const inner = await serverOf(t, (_, response) => response.end('inner'));
  let location = '';
  const outer = await serverOf(t, (_, response) => response.writeHead(302, { Location: location }).end());
  const judged: string[] = [];
  const isClosed = (address: string) => {
    judged.push(address);
    return true;
  };
  const hosts = ['localhost', '127.0.0.2', '2130706434', '0x7f.2', '[::ffff:127.0.0.2]', '[::1]', '0.0.0.0'];
  for (const host of hosts) {
    location = `http://${host}:${inner.port}/`;
    const reply = await fetched(`http://127.0.0.1:${outer.port}/`, { isClosed });
    t.like(reply, { kind: 'failed', message: 'it redirects to an address that is closed to redirects' }, host);
  }
  t.is(inner.asked.length, 0);
  t.true(judged.length >= hosts.length);
  t.true(judged.includes('127.0.0.1') || judged.includes('::1'), 'of a name its addresses are judged');
});

test('what the operator named is asked wherever it is, and redirects stay free among open addresses', async (t) => {
  const inner = await serverOf(t, (_, response) => response.end('inner'));
  let host = '127.0.0.1';
  const outer = await serverOf(t, (_, response) =>
    response.writeHead(302, { Location: `http://${host}:${inner.port}/` }).end(),
  );
  const url = `http://me:secret@127.0.0.1:${outer.port}/`;
  const headers = { 'X-Key': 'k' };
  const known = { etag: '"one"', lastModified: null };
  for (const isClosed of [() => true, () => false]) {
    const reply = await fetched(url, { isClosed, headers, known });
    t.is(reply.kind === 'content' ? await textOf(reply.content) : '', 'inner', host);
    host = 'localhost';
  }
  t.is(outer.asked[0]?.headers.authorization, `Basic ${Buffer.from('me:secret').toString('base64')}`);
  t.is(inner.asked.length, 2);
  for (const { headers: seen } of inner.asked) {
    t.deepEqual([seen.authorization, seen['x-key'], seen['if-none-match']], [undefined, undefined, undefined]);
  }
});

test('content is decoded, and what is cut, garbled or late is told', async (t) => {
  const text = 'exit\n'.repeat(10_000);
  const answers = new Map<string | undefined, Answer>([
    ['/gzip', (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(text))],
    ['/br', (_, response) => response.writeHead(200, { 'Content-Encoding': 'br' }).end(brotliCompressSync(text))],
    [
      '/both',
      (_, response) =>
        response.writeHead(200, { 'Content-Encoding': 'gzip, br' }).end(brotliCompressSync(gzipSync(text))),
    ],
    [
      '/bomb',
      (_, response) =>
        response.writeHead(200, { 'Content-Encoding': `gzip${', gzip'.repeat(2000)}` }).end(gzipSync(text)),
    ],
    ['/garbled', (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(text)],
    [
      '/cut',
      (_, response) => {
        response.writeHead(200, { 'Content-Length': 100 }).write('exit\n');
        setImmediate(() => response.destroy());
      },
    ],
    ['/late', (_, response) => response.writeHead(200, { 'Content-Length': 100 }).write('exit\n')],
  ]);
  const server = await serverOf(t, (request, response) => answers.get(request.url)?.(request, response));
  const ask = async (path: string, ms = 30_000) => {
    const reply = await fetched(`http://127.0.0.1:${server.port}${path}`, { signal: AbortSignal.timeout(ms) });
    if (reply.kind !== 'content') return reply;
    return textOf(reply.content).catch(fetchFailure);
  };
  for (const path of ['/gzip', '/br', '/both']) t.is(await ask(path), text, path);
  t.like(await ask('/bomb'), { message: 'it could not be had (TOO_MANY_CODINGS)' });
  t.like(await ask('/garbled'), { message: 'it could not be had (Z_DATA_ERROR)' });
  t.like(await ask('/cut'), { message: 'it could not be had (ECONNRESET)' });
  t.like(await ask('/late', 500), { message: 'it took too long' });
});
