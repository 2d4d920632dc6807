import { createServer, type IncomingMessage } from 'node:http';
import test from 'ava';
import { basic, rawExchange } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';

// What a client sends and what of it an origin sees: one request for each that is accepted, nothing for one that is refused.

/** A request as llhttp understood it at the origin. */
interface Seen {
  readonly line: string;
  readonly rawHeaders: readonly string[];
  readonly content: string;
}

const peers: Peer[] = [];
const seen: Seen[] = [];
/** Octets that the origin could not read as a request. */
let misread = 0;
let gateway: Gateway;
let origin: Peer;

test.before(async () => {
  const server = createServer(async (request: IncomingMessage, response) => {
    let content = '';
    try {
      for await (const chunk of request) content += chunk;
    } catch {
      // Cut by the gateway: no request.
      return;
    }
    seen.push({ line: `${request.method} ${request.url}`, rawHeaders: request.rawHeaders, content });
    response.setHeader('Content-Length', 2).end('ok');
  });
  server.on('clientError', (_error, socket) => {
    misread++;
    socket.destroy();
  });
  server.on('upgrade', (request, socket) => {
    seen.push({ line: `${request.method} ${request.url}`, rawHeaders: request.rawHeaders, content: 'UPGRADE' });
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  origin = await listen(server);
  const exit = await startHttpExit();
  peers.push(origin, exit);
  gateway = await startGateway({
    config: { timeouts: { head: '1s', handshake: '1s', firstByte: '2s', stall: '1s' } },
    pools: { direct: { exits: [{ direct: true }] }, http: { exits: [{ url: exit.url }] } },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all(peers.map((peer) => peer.close()));
});

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** The request of a probe: `O` stands for the origin's authority, `A` in a line of its own for the credential. */
interface Probe {
  readonly start?: string;
  readonly fields?: string;
  readonly content?: string;
  /** The whole, in place of the parts. */
  readonly raw?: string;
}

function octetsOf(probe: Probe, pool: string): Buffer {
  const { start = 'POST http://O/p HTTP/1.1', fields = '', content = '' } = probe;
  const text = probe.raw ?? `${start}\r\nHost: O\r\nA\r\n${fields}\r\n${content}`;
  const credential = `Proxy-Authorization: ${basic(gateway.login('tester', `pool-${pool}`))}`;
  return Buffer.from(
    text.replaceAll(/\bO\b/g, `127.0.0.1:${origin.port}`).replace(/^A(?=\r\n)/m, credential),
    'latin1',
  );
}

const chunked = (content: string, extra = ''): Probe => ({ fields: `Transfer-Encoding: chunked\r\n${extra}`, content });

/** Refused, and the connection closed: nothing reaches the origin. */
const refused: Record<string, Probe> = {
  'CL and TE': { fields: 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', content: `0\r\n\r\n${smuggled}` },
  'TE and CL': { fields: 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', content: `0\r\n\r\n${smuggled}` },
  'te and cl in lower case': { fields: 'transfer-encoding: chunked\r\ncontent-length: 3\r\n', content: '0\r\n\r\n' },
};

/** Each is one request at the origin, with this content. */
const accepted: Record<string, Probe & { readonly sees?: string }> = {};

const lengths = [
  '',
  '+5',
  '-5',
  '5 5',
  '5,5',
  '5, 5',
  '5,6',
  '0x5',
  '5.0',
  '5e0',
  '٥',
  '9007199254740992',
  '18446744073709551621',
  '5\t',
  '\t5',
  '5;a',
  '"5"',
  '05 ',
  '5\x0b',
];
for (const length of lengths) {
  if (length !== '05 ')
    refused[`CL ${JSON.stringify(length)}`] = { fields: `Content-Length: ${length}\r\n`, content: `hello${smuggled}` };
}
for (const second of ['5', '6', '0', '']) {
  refused[`CL twice: 5 and ${JSON.stringify(second)}`] = {
    fields: `Content-Length: 5\r\nContent-Length: ${second}\r\n`,
    content: `hello${smuggled}`,
  };
}
const codings = [
  '',
  'identity',
  'chunked, identity',
  'chunked, chunked',
  'chunked,',
  ',chunked',
  'gzip, chunked',
  'gzip',
  'xchunked',
  '"chunked"',
  'chunked;a=b',
  'chunked\t',
  '\tchunked',
  '\x0bchunked',
  'chunked\x0b',
  'chun ked',
  'chünked',
  'cow',
];
for (const coding of codings)
  refused[`TE ${JSON.stringify(coding)}`] =
    chunked(`0\r\n\r\n${smuggled}`).content === undefined
      ? {}
      : { fields: `Transfer-Encoding: ${coding}\r\n`, content: `0\r\n\r\n${smuggled}` };
for (const name of [
  'Transfer-Encoding ',
  ' Transfer-Encoding',
  'Transfer-Encoding\t',
  'Transfer_Encoding\x00',
  'Content-Length ',
  '\tContent-Length',
  '',
  'a b',
  'a:b@',
  'é',
  '(a)',
]) {
  if (name === 'a:b@') continue;
  refused[`name ${JSON.stringify(name)}`] = { fields: `${name}: chunked\r\n`, content: `0\r\n\r\n${smuggled}` };
}
refused['TE twice'] = {
  fields: 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
  content: `0\r\n\r\n${smuggled}`,
};
refused['TE twice, one identity'] = {
  fields: 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n',
  content: `0\r\n\r\n${smuggled}`,
};
refused['TE in HTTP/1.0'] = {
  start: 'POST http://O/p HTTP/1.0',
  fields: 'Transfer-Encoding: chunked\r\n',
  content: `0\r\n\r\n${smuggled}`,
};
for (const name of [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Proxy-Authorization',
  'Authorization',
  'Cookie',
  'host , close',
  'close,TRANSFER-ENCODING',
]) {
  refused[`Connection nominates ${name}`] = {
    fields: `Connection: ${name}\r\nContent-Length: 5\r\n`,
    content: 'hello',
  };
}
const sizes = [
  '',
  '-1',
  '+1',
  ' 1',
  '1 ',
  '0x1',
  '1\t',
  'g',
  '1;',
  '1;=a',
  '1;a=',
  '1;a="',
  '1;a="\x01"',
  '1;a b',
  '1\x00',
  'ffffffffffffffff1',
  '10000000000000000',
  '20000000000000',
  '1\n',
  '1\r',
  `1;${'a'.repeat(5000)}`,
  '00000000000000001',
];
for (const size of sizes)
  refused[`chunk size ${JSON.stringify(size.slice(0, 20))}`] = chunked(`${size}\r\nx\r\n0\r\n\r\n${smuggled}`);
refused['chunk size by LF'] = chunked(`1\nx\r\n0\r\n\r\n${smuggled}`);
refused['chunk data by LF'] = chunked(`1\r\nx\n0\r\n\r\n${smuggled}`);
refused['chunk data by CR'] = chunked(`1\r\nx\r0\r\n\r\n${smuggled}`);
refused['chunk too long'] = chunked(`1\r\nxy\r\n0\r\n\r\n${smuggled}`);
refused['last chunk by LF'] = chunked(`1\r\nx\r\n0\n\n${smuggled}`);
refused['trailers by LF'] = chunked(`0\r\nA: b\n\n${smuggled}`);
refused['no last chunk'] = chunked('1\r\nx\r\n');
refused['no final CRLF'] = chunked('1\r\nx\r\n0\r\n');
for (const name of [
  'Content-Length',
  'Transfer-Encoding',
  'Host',
  'Connection',
  'Proxy-Authorization',
  'Authorization',
  'Content-Encoding',
  'Trailer',
  'Cookie',
  'Roundabout-Error',
  'bad name',
  ' X',
]) {
  refused[`trailer ${name}`] = chunked(`0\r\n${name}: 5\r\n\r\n${smuggled}`);
}
const heads: Record<string, string> = {
  'bare LF': 'GET http://O/p HTTP/1.1\nHost: O\nA\r\n\n',
  'bare LF after a field': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nX: a\nTransfer-Encoding: chunked\r\nA\r\n\r\n',
  'bare CR in a value': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nX: a\rTransfer-Encoding: chunked\r\nA\r\n\r\n',
  'NUL in a value': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nX: a\0b\r\nA\r\n\r\n',
  'NUL in the target': 'GET http://O/p\0 HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'obs-fold': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nX: a\r\n b\r\nA\r\n\r\n',
  'a folded TE': 'POST http://O/p HTTP/1.1\r\nHost: O\r\nTransfer-Encoding:\r\n chunked\r\nA\r\n\r\n0\r\n\r\n',
  'a space before the first field': 'GET http://O/p HTTP/1.1\r\n Host: O\r\nHost: O\r\nA\r\n\r\n',
  'no colon': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nnonsense\r\nA\r\n\r\n',
  'Host missing': 'GET http://O/p HTTP/1.1\r\nA\r\n\r\n',
  'Host twice': 'GET http://O/p HTTP/1.1\r\nHost: O\r\nHost: O\r\nA\r\n\r\n',
  'Host with a path': 'GET http://O/p HTTP/1.1\r\nHost: O/x\r\nA\r\n\r\n',
  'Host with userinfo': 'GET http://O/p HTTP/1.1\r\nHost: a@O\r\nA\r\n\r\n',
  'Host with a space': 'GET http://O/p HTTP/1.1\r\nHost: a b\r\nA\r\n\r\n',
  'Host listed': 'GET http://O/p HTTP/1.1\r\nHost: a, b\r\nA\r\n\r\n',
  userinfo: 'GET http://a:b@O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  fragment: 'GET http://O/p#x HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'port 0': 'GET http://127.0.0.1:0/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'port 65536': 'GET http://127.0.0.1:65536/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'port +80': 'GET http://127.0.0.1:+80/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'https:': 'GET https://O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'ftp:': 'GET ftp://O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'http:/': 'GET http:/O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'no authority': 'GET http:///p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'a backslash': 'GET http://O\\@127.0.0.2/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'origin-form': 'GET /p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  asterisk: 'OPTIONS * HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'asterisk with GET': 'GET * HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'authority-form with GET': 'GET O HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'non-ASCII target': 'GET http://O/\xe9 HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'two spaces': 'GET  http://O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'a tab': 'GET\thttp://O/p\tHTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'a fourth word': 'GET http://O/p HTTP/1.1 x\r\nHost: O\r\nA\r\n\r\n',
  'method no token': 'G(T http://O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'HTTP/0.9': 'GET http://O/p\r\n\r\n',
  'HTTP/1.2': 'GET http://O/p HTTP/1.2\r\nHost: O\r\nA\r\n\r\n',
  'HTTP/2.0': 'GET http://O/p HTTP/2.0\r\nHost: O\r\nA\r\n\r\n',
  'http/1.1': 'GET http://O/p http/1.1\r\nHost: O\r\nA\r\n\r\n',
  'HTTP/01.1': 'GET http://O/p HTTP/01.1\r\nHost: O\r\nA\r\n\r\n',
  'HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'a long field': `GET http://O/p HTTP/1.1\r\nHost: O\r\nX: ${'a'.repeat(40_000)}\r\nA\r\n\r\n`,
  'a long target': `GET http://O/${'a'.repeat(20_000)} HTTP/1.1\r\nHost: O\r\nA\r\n\r\n`,
  'a huge head': `GET http://O/p HTTP/1.1\r\nHost: O\r\n${`X: ${'a'.repeat(1000)}\r\n`.repeat(80)}A\r\n\r\n`,
  'many fields': `GET http://O/p HTTP/1.1\r\nHost: O\r\n${'X: a\r\n'.repeat(250)}A\r\n\r\n`,
  'an unknown expectation': 'POST http://O/p HTTP/1.1\r\nHost: O\r\nExpect: 200-ok\r\nContent-Length: 1\r\nA\r\n\r\nx',
  'CONNECT with CL': `CONNECT O HTTP/1.1\r\nHost: O\r\nContent-Length: ${smuggled.length}\r\nA\r\n\r\n${smuggled}`,
  'CONNECT with TE': `CONNECT O HTTP/1.1\r\nHost: O\r\nTransfer-Encoding: chunked\r\nA\r\n\r\n0\r\n\r\n`,
  'CONNECT with a scheme': 'CONNECT http://O HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'CONNECT without a port': 'CONNECT 127.0.0.1 HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'CONNECT with a path': 'CONNECT O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n',
  'TLS in the clear': '\x80\x2e\x01\x00\x02',
};
for (const [name, raw] of Object.entries(heads)) refused[name] = { raw };

for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'M-SEARCH']) {
  accepted[`${method} with length`] = {
    start: `${method} http://O/p HTTP/1.1`,
    fields: `Content-Length: ${smuggled.length}\r\n`,
    content: smuggled,
    sees: smuggled,
  };
  accepted[`${method} with chunks`] = {
    start: `${method} http://O/p HTTP/1.1`,
    ...chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`),
    sees: smuggled,
  };
}
accepted['leading zeros'] = { fields: 'Content-Length: 0005\r\n', content: 'hello', sees: 'hello' };
accepted['CHUNKED'] = { fields: 'TRANSFER-ENCODING: CHUNKED\r\n', content: '5\r\nhello\r\n0\r\n\r\n', sees: 'hello' };
accepted['chunk extensions'] = { ...chunked('5;a=b;c="d\\"e";f\r\nhello\r\n000;g\r\n\r\n'), sees: 'hello' };
accepted['a trailer'] = { ...chunked('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), sees: 'hello' };
accepted['h2c'] = {
  start: 'GET http://O/p HTTP/1.1',
  fields: 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
  sees: '',
};
accepted['h2c with content'] = {
  fields: `Connection: Upgrade\r\nUpgrade: websocket, h2c\r\nContent-Length: ${smuggled.length}\r\n`,
  content: smuggled,
  sees: smuggled,
};
accepted['Host of another'] = { raw: 'GET http://O/p HTTP/1.1\r\nHost: other.example:81\r\nA\r\n\r\n', sees: '' };
accepted['Host empty of HTTP/1.0'] = { raw: 'GET http://O/p HTTP/1.0\r\nA\r\n\r\n', sees: '' };
accepted['two empty lines'] = { raw: '\r\n\r\nGET http://O/p HTTP/1.1\r\nHost: O\r\nA\r\n\r\n', sees: '' };
accepted['names of objects'] = {
  start: 'GET http://O/p HTTP/1.1',
  fields: '__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n',
  sees: '',
};
accepted['Max-Forwards'] = { start: 'OPTIONS http://O/p HTTP/1.1', fields: 'Max-Forwards: 5\r\n', sees: '' };

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
const responsesIn = (text: string) => text.match(/HTTP\/1\.[01] [1-9]\d\d /g)?.length ?? 0;

for (const pool of ['direct', 'http']) {
  for (const [name, probe] of Object.entries(refused)) {
    test.serial(`${pool}: refused: ${name}`, async (t) => {
      seen.length = misread = 0;
      const answer = await rawExchange(gateway.port(), octetsOf(probe, pool), { thenFin: true });
      const status = statusOf(answer.text);
      t.true((status >= 400 && status < 500) || status === 501 || status === 505, answer.text.slice(0, 300));
      t.is(responsesIn(answer.text), 1, answer.text);
      t.regex(answer.text, /^Connection: close\r$/m);
      t.not(answer.ended, 'open');
      t.deepEqual(seen, []);
    });
  }
  for (const [name, probe] of Object.entries(accepted)) {
    test.serial(`${pool}: one request: ${name}`, async (t) => {
      seen.length = misread = 0;
      const answer = await rawExchange(gateway.port(), octetsOf(probe, pool), { thenFin: true });
      t.is(statusOf(answer.text), 200, answer.text.slice(0, 300));
      t.is(responsesIn(answer.text), 1, answer.text);
      t.is(seen.length, 1);
      t.regex(seen[0]!.line, / \/p$/);
      t.is(seen[0]!.content, probe.sees);
      t.is(misread, 0);
      const names = seen[0]!.rawHeaders.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase());
      t.is(names.filter((n) => n === 'host').length, 1);
      t.false(names.some((n) => n.startsWith('proxy-') || n === 'upgrade' || n === 'http2-settings'));
    });
  }
}
