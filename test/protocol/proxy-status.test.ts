import { Buffer } from 'node:buffer';
import test from 'ava';
import { catalogue, type ErrorKind, GatewayError } from '../../src/errors.ts';
import { kindOfProxyStatus, proxyStatusMember, readProxyStatus } from '../../src/protocol/proxy-status.ts';
import { mutations } from './mutation.ts';

/** RFC 9209 §2.3, all types. */
const types = [
  'dns_timeout',
  'dns_error',
  'destination_not_found',
  'destination_unavailable',
  'destination_ip_prohibited',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'connection_read_timeout',
  'connection_write_timeout',
  'connection_limit_reached',
  'tls_protocol_error',
  'tls_certificate_error',
  'tls_alert_received',
  'http_request_error',
  'http_request_denied',
  'http_response_incomplete',
  'http_response_header_section_size',
  'http_response_header_size',
  'http_response_body_size',
  'http_response_trailer_section_size',
  'http_response_trailer_size',
  'http_response_transfer_coding',
  'http_response_content_coding',
  'http_response_timeout',
  'http_upgrade_failed',
  'http_protocol_error',
  'proxy_internal_response',
  'proxy_internal_error',
  'proxy_configuration_error',
  'proxy_loop_detected',
];

test('the catalogue names only types of RFC 9209', (t) => {
  for (const [kind, row] of Object.entries(catalogue)) t.true(types.includes(row.proxyStatus), kind);
});

test('our member reads back', (t) => {
  for (const kind of Object.keys(catalogue) as ErrorKind[]) {
    const error = new GatewayError(kind, { detail: 'a "quoted", \\ detail; error=x', receivedStatus: 403 });
    t.deepEqual(readProxyStatus(proxyStatusMember('roundabout', error)), [
      { name: 'roundabout', error: catalogue[kind].proxyStatus, receivedStatus: 403 },
    ]);
  }
});

test('our member is ASCII on one line, whatever the detail and the name', (t) => {
  const error = new GatewayError('bad_param', { detail: 'a\r\nX: y\0 \u202eü' });
  t.is(proxyStatusMember('my proxy', error), '"my proxy"; error=http_request_error; details="a??X: y? ??"');
});

test('members that others send', (t) => {
  const value =
    'origin-cache; received-status=502, "a, b; c"; error="connection_refused"; next-hop=1.2.3.4 ,SQUID;Error=DNS_ERROR';
  t.deepEqual(readProxyStatus(value), [
    { name: 'origin-cache', error: undefined, receivedStatus: 502 },
    { name: 'a, b; c', error: 'connection_refused', receivedStatus: undefined },
    { name: 'SQUID', error: 'dns_error', receivedStatus: undefined },
  ]);
  t.deepEqual(readProxyStatus(''), []);
  t.deepEqual(readProxyStatus(', ;error=x,'), []);
  t.deepEqual(readProxyStatus('a; received-status=99; error'), [
    { name: 'a', error: undefined, receivedStatus: undefined },
  ]);
  t.is(readProxyStatus('a,'.repeat(4000)).length, 32);
  t.is(readProxyStatus('a,'.repeat(5000)).length, 0);
});

test('each type is judged, or left open on purpose', (t) => {
  const open = types.filter((type) => kindOfProxyStatus(type) === null);
  t.deepEqual(open, ['destination_unavailable', 'tls_protocol_error', 'tls_certificate_error', 'tls_alert_received']);
  t.is(kindOfProxyStatus('connection_refused'), 'origin_refused');
  t.is(kindOfProxyStatus('proxy_internal_error'), 'exit_failed');
  for (const type of ['', 'constructor', '__proto__', 'x']) t.is(kindOfProxyStatus(type), null);
});

test('10,000 mutated fields', (t) => {
  const samples = ['a; error=dns_error; details="x \\" y", b; received-status=200', '"q"; error="x"'].map((text) =>
    Buffer.from(text),
  );
  for (const octets of mutations(samples, 10_000)) readProxyStatus(octets.toString('latin1'));
  t.pass();
});
