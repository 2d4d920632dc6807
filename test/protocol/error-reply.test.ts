import test from 'ava';
import { catalogue, type ErrorFacts, type ErrorKind, GatewayError } from '../../src/errors.ts';
import { connectReply, type ErrorReplyContext, httpErrorReply, socks5RepOf } from '../../src/protocol/error-reply.ts';

const context: ErrorReplyContext = {
  requestId: 'r1',
  attempts: 2,
  exitLabel: 'x7; de',
  sessionLabel: 'cart42',
  method: 'GET',
  minorVersion: 1,
  keepAlive: true,
  proxyName: 'roundabout',
};

function reply(kind: ErrorKind, more: Partial<ErrorReplyContext> = {}, facts: Partial<ErrorFacts> = {}) {
  const { octets, closes } = httpErrorReply(new GatewayError(kind, { detail: 'why', ...facts }), {
    ...context,
    ...more,
  });
  const [head = '', content = ''] = octets.toString('latin1').split('\r\n\r\n');
  const [statusLine, ...lines] = head.split('\r\n');
  const fields = new Map(lines.map((line) => line.split(': ', 2) as [string, string]));
  return { statusLine, fields, content, closes };
}

test('every kind is told the same way in line, fields and content', (t) => {
  for (const kind of Object.keys(catalogue) as ErrorKind[]) {
    const { status, by, retryable, closes, retryAfterS } = catalogue[kind] as (typeof catalogue)['overloaded'];
    const { statusLine, fields, content, ...rest } = reply(kind);
    t.is(statusLine, `HTTP/1.1 ${status} ${kind}`);
    t.is(fields.get('Roundabout-Error'), `${kind}; by=${by}; attempts=2`);
    t.is(fields.get('Content-Length'), String(content.length));
    t.is(fields.get('Connection'), closes ? 'close' : undefined);
    t.is(fields.get('Retry-After'), retryAfterS === undefined ? undefined : String(retryAfterS));
    t.is(fields.has('Proxy-Authenticate'), status === 407);
    t.is(fields.has('RateLimit'), status === 429);
    t.is(rest.closes, closes ?? false);
    const type = `urn:roundabout:error:${kind}`;
    const problem = { type, title: kind, status, detail: 'why', by, retryable, attempts: 2, request_id: 'r1' };
    t.deepEqual(JSON.parse(content), problem);
  }
});

test('a 407 keeps the connection and names one challenge', (t) => {
  const { fields, closes } = reply('auth_required', { attempts: 0 });
  t.false(closes);
  t.is(fields.get('Proxy-Authenticate'), 'Basic realm="roundabout", charset="UTF-8"');
  t.is(fields.get('Cache-Control'), 'no-store');
  t.is(fields.get('Content-Type'), 'application/problem+json');
});

test('the connection', (t) => {
  t.is(reply('no_exit', { minorVersion: 0 }).fields.get('Connection'), 'keep-alive');
  t.is(reply('no_exit', { minorVersion: 0, keepAlive: false }).fields.get('Connection'), 'close');
  t.is(reply('bad_request', { minorVersion: 0 }).fields.get('Connection'), 'close');
  t.true(reply('no_exit', { keepAlive: false }).closes);
});

test('a HEAD gets the head alone', (t) => {
  const { fields, content } = reply('no_exit', { method: 'HEAD' });
  t.is(content, '');
  t.is(fields.get('Content-Length'), String(reply('no_exit').content.length));
});

test('waits are whole seconds, and never none', (t) => {
  t.is(reply('rate_limited', {}, { retryAfterS: 0.2 }).fields.get('Retry-After'), '1');
  t.is(reply('rate_limited', {}, { retryAfterS: 4.1 }).fields.get('RateLimit'), '"rate_limited";r=0;t=5');
});

test('what an exit answered is told, what the system said is not', (t) => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.1:3128');
  const { fields, content } = reply('exit_rejected', {}, { receivedStatus: 403, cause });
  t.is(fields.get('Proxy-Status'), 'roundabout; error=http_protocol_error; received-status=403; details="why"');
  t.notRegex([...fields.values(), content].join(), /10\.0\.0\.1/);
});

test('no label or detail breaks out of its line', (t) => {
  const evil = 'a\r\nSet-Cookie: x=1\r\n\r\n<b>\0\u202e';
  const { fields } = reply('bad_param', { sessionLabel: evil, exitLabel: evil, requestId: evil }, { detail: evil });
  t.false(fields.has('Set-Cookie'));
  t.regex(fields.get('Roundabout-Session') ?? '', /^[\x20-\x7e]*$/);
  const connect = connectReply({ requestId: evil, exitLabel: evil }).toString('latin1');
  t.is(connect.split('\r\n').length, 5);
});

test('a tunnel stands', (t) => {
  t.is(
    connectReply({ requestId: 'r1', exitLabel: 'x7; de', sessionLabel: 's' }).toString(),
    'HTTP/1.1 200 Connection established\r\nRoundabout-Request-Id: r1\r\nRoundabout-Exit: x7; de\r\nRoundabout-Session: s\r\n\r\n',
  );
  t.is(
    connectReply({ requestId: 'r1' }).toString(),
    'HTTP/1.1 200 Connection established\r\nRoundabout-Request-Id: r1\r\n\r\n',
  );
});

test('SOCKS5', (t) => {
  t.is(socks5RepOf(new GatewayError('origin_refused', { detail: '' })), 5);
  t.is(socks5RepOf(new GatewayError('not_supported', { detail: '', socks5: 8 })), 8);
  t.is(socks5RepOf(new GatewayError('origin_bad_response', { detail: '' })), 1);
});
