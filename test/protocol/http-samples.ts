import fc from 'fast-check';
import type { Decoded, Fault } from '../../src/protocol/decoded.ts';
import type { Fields } from '../../src/protocol/fields.ts';
import { ContentDecoder } from '../../src/protocol/http-content.ts';
import type { Framing } from '../../src/protocol/http-message.ts';

export const octets = (text: string): Buffer => Buffer.from(text, 'latin1');

export const singles = (input: Buffer): Buffer[] => [...input].map((octet) => Buffer.of(octet));

/** All ways to cut `input` in two, and the way to cut it into single octets. */
export function cuts(input: Buffer): Buffer[][] {
  const cut: Buffer[][] = [singles(input)];
  for (let at = 0; at <= input.length; at++) cut.push([input.subarray(0, at), input.subarray(at)]);
  return cut;
}

/** Pushes chunks until a value or fault comes; `rest` is then all that is left of them. */
export function decodeChunks<T>(decoder: { push(chunk: Buffer): Decoded<T> }, chunks: readonly Buffer[]): Decoded<T> {
  for (const [i, chunk] of chunks.entries()) {
    const result = decoder.push(chunk);
    if (result.state === 'value') return { ...result, rest: Buffer.concat([result.rest, ...chunks.slice(i + 1)]) };
    if (result.state === 'error') return result;
  }
  return { state: 'more' };
}

export interface DecodedContent {
  readonly state: 'more' | 'done' | Fault;
  readonly content: string;
  readonly trailers: [string, string][];
  readonly rest: string;
}

/** Decodes content from chunks. What precedes a fault is left out, for it depends on the cuts. */
export function decodeContent(
  framing: Framing,
  role: 'request' | 'response',
  chunks: readonly Buffer[],
): DecodedContent {
  const decoder = new ContentDecoder(framing, role);
  const out: Buffer[] = [];
  for (const [i, chunk] of chunks.entries()) {
    const state = decoder.push(chunk, out);
    if (typeof state !== 'string') return { state, content: '', trailers: [], rest: '' };
    if (state === 'more') continue;
    const rest = Buffer.concat([decoder.rest, ...chunks.slice(i + 1)]).toString('latin1');
    return { state, content: Buffer.concat(out).toString('latin1'), trailers: pairs(decoder.trailers), rest };
  }
  return { state: 'more', content: Buffer.concat(out).toString('latin1'), trailers: [], rest: '' };
}

export const pairs = (fields: Fields): [string, string][] =>
  fields.names.map((name, i) => [name, fields.values[i] ?? '']);

/** Octets and strings that matter to a parser of HTTP. */
const spices = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '"',
  '\\',
  '0',
  '1',
  '\x7f',
  '\x80',
  '\xff',
  'x',
  '#',
  '@',
]
  .concat([
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: b\r\n',
    'Connection: close\r\n',
    'Expect: 100-continue\r\n',
  ])
  .concat([
    'chunked',
    'HTTP/1.0',
    'HTTP/1.1',
    'http://',
    '[::1]',
    'Upgrade: h2c\r\n',
    'Connection: upgrade\r\n',
    '0\r\n\r\n',
  ]);

interface Mutation {
  readonly kind: 'insert' | 'overwrite' | 'delete' | 'repeat';
  readonly at: number;
  readonly length: number;
  readonly spice: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('insert', 'overwrite', 'delete', 'repeat'),
  // Not a double: most of those that fast-check makes lie at the ends.
  at: fc.integer({ min: 0, max: 4095 }).map((at) => at / 4096),
  length: fc.integer({ min: 1, max: 12 }),
  spice: fc.constantFrom(...spices),
});

function mutate(text: string, { kind, at, length, spice }: Mutation): string {
  const start = Math.floor(at * text.length);
  const before = text.slice(0, start);
  const hit = text.slice(start, start + length);
  const after = text.slice(start + length);
  if (kind === 'insert') return before + spice + hit + after;
  if (kind === 'delete') return before + after;
  return kind === 'repeat' ? before + hit + hit + after : before + spice + text.slice(start + spice.length);
}

/** Sound inputs made more or less unsound. */
export const mutated = (sound: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...sound), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([text, mutations]) => mutations.reduce(mutate, text));

/** Requests, content included, that a strict reader accepts. */
export const soundRequests: readonly string[] = [
  'GET http://a.example/x?y=1 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'get-Any http://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n',
  '\r\nGET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nUser-Agent:\t x \t\r\nX-Empty:\r\n\r\n',
  'GET http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: other.example:1\r\nX: \x80\xff\ty\r\n\r\n',
  'POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello',
  'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello',
  'DELETE http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n',
  'POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HEAD http://a.example/ HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: a.example\r\n\r\n00a;x=y;z="\\";"\r\n0123456789\r\n0\r\n\r\n',
  'PUT http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n',
  'POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi',
  'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\r\n',
  'GET http://a.example/ HTTP/1.0\r\n\r\n',
  'POST http://a.example/ HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
  'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nProxy-Connection: keep-alive\r\n\r\n',
  'CONNECT a.example:443 HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n',
  'OPTIONS http://a.example HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 3\r\n\r\n',
  'GET /echo HTTP/1.1\r\nHost: roundabout.internal\r\n\r\n',
];

/** CPU that `work` needs for one large input, over what it needs for as much in ten small ones: about 1 where the cost is
 *  linear, 10 where it is quadratic. The least of five measurements. */
export function growth(large: number, work: (size: number) => void): number {
  const cost = (times: number, size: number): number => {
    const started = process.cpuUsage();
    for (let i = 0; i < times; i++) work(size);
    const { user, system } = process.cpuUsage(started);
    return user + system;
  };
  return Math.min(...Array.from({ length: 5 }, () => cost(1, large) / Math.max(1, cost(10, large / 10))));
}
