/** What the heads of one forwarded request cost: decode, plan and write on, request and response. Run by hand:
 *  `node --expose-gc --max-semi-space-size=1024 test/bench/http-heads.ts`; the large young generation keeps collections out of
 *  the figures, so that octets allocated can be read off. */

import { defaultHeadLimits, RequestHeadDecoder, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import { planRequest } from '../../src/protocol/http-request.ts';
import { planResponse } from '../../src/protocol/http-response.ts';
import { serialiseRequest, serialiseResponse } from '../../src/protocol/http-serialise.ts';

const ROUNDS = 200_000;

const request = Buffer.from(
  'GET http://shop.example/list?page=7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: crawler/1.0\r\nAccept: */*\r\n' +
    'Accept-Encoding: gzip, br\r\nProxy-Authorization: Basic YWNtZTowMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n',
);
const response = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: shop\r\nContent-Type: text/html\r\nContent-Length: 1024\r\nCache-Control: no-store\r\n\r\n',
);

const requests = new RequestHeadDecoder(defaultHeadLimits);
const responses = new ResponseHeadDecoder(defaultHeadLimits);

function forwardRequest(): number {
  const head = requests.push(request);
  if (head.state !== 'value') throw new Error('the request head was not taken');
  const plan = planRequest(head.value);
  if (!plan.ok) throw new Error(plan.fault.detail);
  const target = 'http://shop.example/list?page=7';
  const extra = [['Proxy-Authorization', 'Basic ZXhpdDpzZWNyZXQ=']] as const;
  return serialiseRequest(plan.value, { target, host: 'shop.example', connection: 'keep-alive', extra }).length;
}

function relayResponse(): number {
  const head = responses.push(response);
  if (head.state !== 'value') throw new Error('the response head was not taken');
  const plan = planResponse(head.value, 'GET');
  if (!plan.ok) throw new Error(plan.fault.detail);
  const extra = [['Roundabout-Request-Id', 'c0ffee']] as const;
  const { framing } = plan.value;
  return serialiseResponse(plan.value, { minorVersionOfClient: 1, framing, connection: 'keep-alive', extra }).length;
}

function measure(name: string, work: () => number): void {
  let written = 0;
  for (let i = 0; i < ROUNDS; i++) written += work();
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage().user;
  for (let i = 0; i < ROUNDS; i++) written += work();
  const ns = ((process.cpuUsage().user - cpuBefore) * 1_000) / ROUNDS;
  const octets = (process.memoryUsage().heapUsed - heapBefore) / ROUNDS;
  console.log(`${name}: ${ns.toFixed(0)} ns, ${octets.toFixed(0)} octets of heap (${written} octets written)`);
}

measure('request', forwardRequest);
measure('response', relayResponse);
