import test from 'ava';
import { builtinExitErrors, type ExitErrorRule, exitErrorOf } from '../../src/protocol/exit-errors.ts';
import { Fields } from '../../src/protocol/fields.ts';

function kindOf(lines: readonly [string, string][], rules: readonly ExitErrorRule[] = [], status = 502) {
  const fields = new Fields();
  for (const [name, value] of lines) fields.append(name, value);
  return exitErrorOf({ status, reason: '', fields }, rules);
}

test('what Squid and RFC 9209 say is understood', (t) => {
  for (const [name, value, kind] of [
    ['X-Squid-Error', 'ERR_DNS_FAIL 0', 'origin_dns'],
    ['x-squid-error', 'ERR_CONNECT_FAIL 111', 'origin_refused'],
    ['X-Squid-Error', 'ERR_CONNECT_FAIL 110', 'origin_timeout'],
    ['X-Squid-Error', 'ERR_CONNECT_FAIL 113', 'origin_unreachable'],
    ['X-Squid-Error', 'ERR_ACCESS_DENIED 0', 'exit_rejected'],
    ['Proxy-Status', 'exit; error=connection_refused', 'origin_refused'],
    ['Proxy-Status', 'near; error=connection_timeout, far; error=http_request_denied', 'origin_timeout'],
    ['Proxy-Status', 'exit; error=proxy_internal_error', 'exit_failed'],
    ['Proxy-Status', 'exit; received-status=502', null],
    ['X-BRD-Err-Code', 'client_10000', 'exit_rejected'],
    ['Server', 'tinyproxy/1.11.1', 'exit_rejected'],
    ['Server', 'squid', null],
  ] as const) {
    t.is(kindOf([[name, value]]), kind, value);
  }
});

test('the configuration speaks first, and its first rule that fits', (t) => {
  const rules = [
    { field: 'X-Vendor-Code', match: 'Peer', kind: 'exit_unreachable' },
    { field: 'x-vendor-code', match: '', kind: 'exit_failed' },
  ] as const;
  t.is(
    kindOf(
      [
        ['x-vendor-code', 'no peers'],
        ['Proxy-Status', 'x; error=dns_error'],
      ],
      rules,
    ),
    'exit_unreachable',
  );
  t.is(kindOf([['X-Vendor-Code', 'other']], rules), 'exit_failed');
  t.is(kindOf([['X-Other', 'peer']], rules), null);
});

test("proxy-chain's own status lines are told from an origin's by their reasons", (t) => {
  const ofLine = (status: number, reason: string) => exitErrorOf({ status, reason, fields: new Fields() }, []);
  t.is(ofLine(595, 'Connection Reset'), 'exit_rejected');
  t.is(ofLine(597, 'Auth Failed'), 'exit_rejected');
  t.is(ofLine(599, 'Upstream Error'), 'exit_rejected');
  t.is(ofLine(593, 'Not Found'), 'exit_failed');
  for (const [status, reason] of [
    [599, 'Network Connect Timeout Error'],
    [599, ''],
    [595, 'Not Found'],
    [404, 'Not Found'],
    [592, 'Status Code Out Of Range'],
  ] as const) {
    t.is(ofLine(status, reason), null, `${status} ${reason}`);
  }
  const configured = new Fields();
  configured.append('X-Cause', 'peer');
  const rules = [{ field: 'x-cause', match: '', kind: 'exit_unreachable' }] as const;
  t.is(exitErrorOf({ status: 599, reason: 'Upstream Error', fields: configured }, rules), 'exit_unreachable');
});

test("407 is always an exit's; a response that is no error names none", (t) => {
  t.is(kindOf([], [], 407), 'exit_auth_failed');
  t.is(kindOf([['X-Squid-Error', 'ERR_DNS_FAIL 0']], [], 200), null);
  t.is(kindOf([], [], 502), null);
});

test('names that objects have of their own are only names', (t) => {
  t.is(kindOf([['__proto__', 'x']], [{ field: 'constructor', match: '', kind: 'exit_failed' }]), null);
});

test('the table is frozen, and of failures beyond the client only', (t) => {
  t.true(Object.isFrozen(builtinExitErrors));
  t.true(builtinExitErrors.every(({ kind }) => /^(exit|origin)_/.test(kind)));
});
