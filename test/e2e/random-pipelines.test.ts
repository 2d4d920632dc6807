import type { Socket } from 'node:net';
import test from 'ava';
import { type ByteReader, readBytes } from '../support/byte-reader.ts';
import { basic, patternOf, rawExchange, sha256 } from '../support/clients.ts';
import { type Exit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { seededRandom } from '../support/seeded-random.ts';

// Pipelined requests of all shapes, cut into pieces anywhere, to an origin that answers in all shapes: each gets its own answer, in
// order, and the origin gets its content. RANDOM_SEED begins elsewhere, RANDOM_ROUNDS goes on for longer.

const firstSeed = Number(process.env['RANDOM_SEED'] ?? 1);
const rounds = Number(process.env['RANDOM_ROUNDS'] ?? 160);
const AT_ONCE = 16;

const shapes = ['length', 'chunked', 'close', 'early', 'interim', 'closing', '204', '304', 'cut'] as const;
const methods = ['GET', 'GET', 'POST', 'PUT', 'HEAD', 'DELETE'] as const;
const pools = ['direct', 'socks'] as const;
const sizes = [0, 1, 100, 3_000, 70_000] as const;
const head = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const contents = ['', 'x', head, 'y'.repeat(5_000), 'z'.repeat(90_000)].map((text) => Buffer.from(text));

interface Asked {
  readonly id: string;
  readonly method: string;
  readonly shape: (typeof shapes)[number];
  readonly size: number;
  readonly content: Buffer;
  readonly octets: Buffer;
}

/** What came with each request, by its id, as a hash; and what the origin took for none. */
const delivered = new Map<string, string>();
const strange: string[] = [];
let gateway: Gateway;
let origin: RawOrigin;
let exit: Exit;

test.before(async () => {
  origin = await startRawOrigin((socket) => void serve(socket), { allowHalfOpen: true });
  exit = await startSocks5Exit();
  gateway = await startGateway({
    clients: { one: [], other: [] },
    pools: { direct: { exits: [{ direct: true }] }, socks: { exits: [{ url: exit.url }] } },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin?.close(), exit?.close()]);
});

/** Answers one request after the other, each in the shape that its path names. */
async function serve(socket: Socket): Promise<void> {
  const reader = readBytes(socket);
  try {
    while (await answerNext(socket, reader));
  } catch {
    socket.destroy();
  }
}

async function answerNext(socket: Socket, reader: ByteReader): Promise<boolean> {
  const text = (await reader.until('\r\n\r\n')).toString('latin1');
  const [, method = '', id = '', shape = '', size = ''] =
    /^([A-Z]+) \/(\w+)\/(\w+)\/(\d+) HTTP\/1\.1\r\n/.exec(text) ?? [];
  if (id === '') strange.push(text);
  const take = async () => delivered.set(id, sha256(await contentOf(reader, text)));
  if (shape !== 'early') {
    if (/^Expect:/im.test(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    await take();
  }
  if (shape === 'interim') socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3));
  const content = method === 'HEAD' ? Buffer.alloc(0) : patternOf(Number(size));
  const statusLine = `HTTP/1.1 ${/^\d+$/.test(shape) ? shape : 200} x\r\nX-Id: ${id}\r\n`;
  if (shape === '204') socket.write(`${statusLine}Content-Length: 0\r\n\r\n`);
  else if (shape === 'close') socket.write(`${statusLine}\r\n`);
  else if (shape === 'chunked') socket.write(`${statusLine}Transfer-Encoding: chunked\r\n\r\n`);
  else socket.write(`${statusLine}Content-Length: ${Number(size) + (shape === 'cut' ? 1 : 0)}\r\n\r\n`);
  if (shape === 'chunked' && method !== 'HEAD') socket.write(chunked(content, 999));
  else if (!/^\d+$/.test(shape)) socket.write(content);
  if (shape === 'early') await take();
  // Without a word: the gateway may have sent the next request by then.
  const goesOn = shape !== 'close' && shape !== 'closing' && shape !== 'cut';
  if (!goesOn) socket.end();
  return goesOn;
}

async function contentOf(reader: ByteReader, text: string): Promise<Buffer> {
  if (!/^Transfer-Encoding: chunked\r$/im.test(text))
    return reader.take(Number(/^Content-Length: (\d+)\r$/im.exec(text)?.[1] ?? 0));
  const chunks: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt((await reader.until('\r\n')).toString('latin1'), 16);
    const chunk = await reader.take(size + 2);
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, size));
  }
}

function chunked(content: Buffer, size: number): Buffer {
  const parts: (string | Buffer)[] = [];
  for (let at = 0; at < content.length; at += size) {
    const chunk = content.subarray(at, at + size);
    parts.push(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
  }
  return Buffer.concat([...parts, '0\r\n\r\n'].map((part) => Buffer.from(part)));
}

function ask(seed: number, at: number, random: () => number): Asked {
  const oneOf = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
  const [id, method, shape, size] = [`s${seed}n${at}`, oneOf(methods), oneOf(shapes), oneOf(sizes)];
  const content = method === 'GET' && random() < 0.8 ? contents[0]! : oneOf(contents);
  const inChunks = random() < 0.5;
  const framing = inChunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`;
  const expect = random() < 0.2 ? 'Expect: 100-continue\r\n' : '';
  const fields = content.length === 0 ? '' : `${framing}\r\n${expect}`;
  const login = gateway.login(oneOf(['one', 'other']), `pool-${pools[seed % 2]}`);
  const target = `http://127.0.0.1:${origin.port}/${id}/${shape}/${size}`;
  const lines = `${method} ${target} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(login)}\r\n${fields}\r\n`;
  const sent = content.length === 0 || !inChunks ? content : chunked(content, 1 + Math.floor(random() * 3_000));
  return { id, method, shape, size, content, octets: Buffer.concat([Buffer.from(lines), sent]) };
}

function inPieces(octets: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = pieces.length > 20 ? octets.length : at + 1 + Math.floor(random() * (random() < 0.5 ? 50 : 5_000));
    pieces.push(octets.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** What is wrong with the answers to `asked` as they came, or null. They may end early: behind one that says so, or where one is cut,
 *  for a reset takes what is under way of those before as well. */
function faultOf(asked: readonly Asked[], answers: Buffer): string | null {
  let at = 0;
  for (const [number, { id, method, shape, size, content }] of asked.entries()) {
    const mayBeLost = asked.slice(number).some((one) => one.shape === 'cut');
    let text: string;
    do {
      const end = answers.indexOf('\r\n\r\n', at);
      if (end < 0) return mayBeLost ? null : `no answer to ${id}`;
      text = answers.toString('latin1', at, end + 2);
      at = end + 4;
    } while (/^HTTP\/1\.1 1/.test(text));
    const status = Number(text.slice(9, 12));
    // A kept link that was dead is nobody's failure.
    if (status !== 200 && String(status) !== shape && shape !== 'cut') return `${id} ${method} ${shape}: ${text}`;
    if (status < 400 && !text.includes(`X-Id: ${id}\r\n`)) return `another's answer to ${id}: ${text}`;
    const told = hasNone(method, status) ? { content: '', end: at } : read(answers, at, text);
    if (told === null) return mayBeLost ? null : `${id} ${shape} was cut`;
    if (shape === 'cut' && method !== 'HEAD' && status === 200) return `${id} looks whole`;
    const isWhole = hasNone(method, status) || status !== 200 || told.content === patternOf(size).toString('latin1');
    if (!isWhole) return `the content of ${id} ${shape} differs`;
    if (status < 400 && shape !== 'early' && delivered.get(id) !== sha256(content)) return `that to ${id} differs`;
    at = told.end;
    if (/^Connection: close\r$/im.test(text)) break;
  }
  return at === answers.length ? null : `octets behind the last answer: ${answers.toString('latin1', at, at + 80)}`;
}

const hasNone = (method: string, status: number): boolean => method === 'HEAD' || status === 204 || status === 304;

/** Content as its head frames it; null where it isn't whole. */
function read(answers: Buffer, start: number, text: string): { content: string; end: number } | null {
  const length = /^Content-Length: (\d+)\r$/im.exec(text)?.[1];
  const whole = start + Number(length);
  if (length !== undefined)
    return whole > answers.length ? null : { content: answers.toString('latin1', start, whole), end: whole };
  let content = '';
  for (let at = start; ; ) {
    const line = answers.indexOf('\r\n', at);
    const size = Number.parseInt(answers.toString('latin1', at, line), 16);
    const end = line + 2 + size + 2;
    if (line < 0 || end > answers.length) return null;
    if (size === 0) return { content, end };
    content += answers.toString('latin1', line + 2, end - 2);
    at = end;
  }
}

test('each of many pipelined requests gets its own answer', async (t) => {
  const run = async (seed: number) => {
    const random = seededRandom(seed);
    const asked = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, at) => ask(seed, at, random));
    const pieces = inPieces(Buffer.concat(asked.map(({ octets }) => octets)), random);
    const { octets } = await rawExchange(gateway.port(), pieces, { thenFin: true });
    t.is(faultOf(asked, octets), null, `RANDOM_SEED=${seed}`);
  };
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(seed + i)));
  t.deepEqual(strange, []);
});
