import { METHODS } from 'node:http';
import test from 'ava';
import fc from 'fast-check';
import { Fields } from '../../src/protocol/fields.ts';
import { chunkHead, lastChunk } from '../../src/protocol/http-content.ts';
import { defaultHeadLimits, RequestHeadDecoder, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import type { Framing, RequestHead, RequestPlan, ResponsePlan } from '../../src/protocol/http-message.ts';
import { planRequest } from '../../src/protocol/http-request.ts';
import { planResponse } from '../../src/protocol/http-response.ts';
import { serialiseRequest, serialiseResponse } from '../../src/protocol/http-serialise.ts';
import { decodeContent, mutated, octets, pairs, soundRequests } from './http-samples.ts';
import { Llhttp, type LlhttpAnswer, readResponse } from './llhttp.ts';

interface Accepted<P> {
  readonly plan: P;
  readonly content: string;
  readonly trailers: [string, string][];
}

/** Follows a message, to show that both readers end it at the same octet. */
const sentinel = 'GET /sentinel HTTP/1.1\r\nHost: s\r\n\r\n';

/** What we make of the first request of `text`, if we accept it whole, and its octets. */
function acceptRequest(text: string): (Accepted<RequestPlan> & { received: RequestHead; octets: string }) | null {
  const head = new RequestHeadDecoder(defaultHeadLimits).push(octets(text));
  const plan = head.state === 'value' ? planRequest(head.value) : null;
  if (head.state !== 'value' || plan?.ok !== true) return null;
  const { state, content, trailers, rest } = decodeContent(plan.value.framing, 'request', [head.rest]);
  if (state !== 'done') return null;
  const message = text.slice(0, text.length - rest.length);
  return { plan: plan.value, received: head.value, content, trailers, octets: message };
}

function framed(framing: Framing, content: string, trailers: [string, string][]): string {
  if (framing.type !== 'chunked') return content;
  const fields = new Fields();
  for (const [name, value] of trailers) fields.append(name, value);
  return `${content === '' ? '' : `${chunkHead(content.length)}${content}\r\n`}${lastChunk(fields)}`;
}

const lines = (head: string): [string, string][] =>
  head
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);

/** Sound requests and 40,000 mutated ones. */
const requests = () => [...soundRequests, ...fc.sample(mutated(soundRequests), { numRuns: 40_000, seed: 20_255 })];

/** The stated differences. None concerns framing:
 *  - llhttp knows a closed list of methods;
 *  - llhttp refuses what follows a request that asks to close, and leaves what follows an upgrade unread, so there is no
 *    sentinel there. */
const knownMethods: ReadonlySet<string> = new Set(METHODS);
const mayFollow = ({ plan }: Accepted<RequestPlan>) =>
  plan.keepAlive && plan.method !== 'CONNECT' && !asksUpgrade(plan);
const asksUpgrade = ({ fields }: RequestPlan) =>
  fields.has('upgrade') && fields.tokens('connection').includes('upgrade');

test('llhttp understands every request that we accept as we do', async (t) => {
  const llhttp = new Llhttp();
  let compared = 0;
  for (const text of requests()) {
    const ours = acceptRequest(text);
    if (ours === null) continue;
    const followed = mayFollow(ours);
    const answer = await llhttp.read(octets(ours.octets + (followed ? sentinel : '')));
    if (!knownMethods.has(ours.plan.method)) {
      t.is(answer.error, 'HPE_INVALID_METHOD', JSON.stringify(text));
      continue;
    }
    const { method, target: url, minorVersion, fields } = ours.received;
    const { content, trailers } = ours;
    const expected = { method, url, minorVersion, fields: pairs(fields), content, trailers, complete: true };
    expectOnly(t, answer, { expected, followed, text });
    compared++;
  }
  t.true(compared > 4000, `${compared}`);
});

test('llhttp accepts every request that we send on', async (t) => {
  const llhttp = new Llhttp();
  for (const text of requests()) {
    const accepted = acceptRequest(text);
    if (accepted === null || accepted.plan.method === 'CONNECT') continue;
    const method = knownMethods.has(accepted.plan.method) ? accepted.plan.method : 'DELETE';
    const plan = { ...accepted.plan, method };
    const head = serialiseRequest(plan, {
      target: plan.path,
      host: 'h',
      connection: plan.upgrade === '' ? 'keep-alive' : 'upgrade',
    });
    const { content, trailers } = accepted;
    const answer = await llhttp.read(
      octets(head + framed(plan.framing, content, trailers) + (plan.upgrade === '' ? sentinel : '')),
    );
    const expected = {
      method,
      url: plan.path,
      minorVersion: 1,
      fields: lines(head),
      content,
      trailers,
      complete: true,
    };
    expectOnly(t, answer, { expected, followed: plan.upgrade === '', text });
  }
});

function expectOnly(
  t: { deepEqual(actual: unknown, expected: unknown, message?: string): unknown },
  { requests: [first, ...others], error }: LlhttpAnswer,
  { expected, followed, text }: { expected: object; followed: boolean; text: string },
): void {
  const actual = { error, first, others: others.map(({ url }) => url) };
  t.deepEqual(
    actual,
    { error: '', first: expected, others: followed ? ['/sentinel'] : [] } as never,
    JSON.stringify(text),
  );
}

const soundResponses = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5;a\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: x\r\n\r\n',
  'HTTP/1.0 200\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\nhello',
  'HTTP/1.1 200 OK\nX: 1\n 2\nContent-Length: 5\nContent-Length: 5\n\nhello',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
  'HTTP/1.1 404 Not\tFound \xe9\r\nConnection: close, X\r\nX: 1\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 205 Reset\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n',
];

function acceptResponse(method: string, text: string): Accepted<ResponsePlan> | null {
  const head = new ResponseHeadDecoder(defaultHeadLimits).push(octets(text));
  const plan = head.state === 'value' ? planResponse(head.value, method) : null;
  if (head.state !== 'value' || plan?.ok !== true || plan.value.status < 200) return null;
  const { state, content, trailers } = decodeContent(plan.value.framing, 'response', [head.rest]);
  const complete = state === 'done' || plan.value.framing.type === 'close';
  return complete ? { plan: plan.value, content, trailers } : null;
}

test('llhttp accepts every response that we pass on', async (t) => {
  const samples = fc.tuple(fc.constantFrom('GET', 'HEAD'), mutated(soundResponses));
  let compared = 0;
  for (const [method, text] of fc.sample(samples, { numRuns: 10_000, seed: 20_256 })) {
    const ours = acceptResponse(method, text);
    if (ours === null) continue;
    const { plan, content, trailers } = ours;
    const framing: Framing = plan.framing.type === 'close' ? { type: 'chunked' } : plan.framing;
    const head = serialiseResponse(plan, { minorVersionOfClient: 1, framing, connection: 'close' });
    const { status, reason } = plan;
    const answer = await readResponse(method, octets(head + framed(framing, content, trailers)));
    t.deepEqual(answer, { status, reason, fields: lines(head), content, trailers }, JSON.stringify(text));
    compared++;
  }
  t.true(compared > 2000, `${compared}`);
});
