import { createServer } from 'node:http';
import test from 'ava';
import { connectVia, forwardVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';
import { until } from '../support/until.ts';

// Owners of address ranges: every address is an exit. All of 127.0.0.0/8 is on any Linux machine.

let origin: Peer;
let gateway: Gateway;

test.before(async () => {
  origin = await listen(createServer((request, response) => response.end(request.socket.remoteAddress)));
  gateway = await startGateway({
    pools: {
      own: { strategy: 'round-robin', exits: [{ direct: { from: '127.77.0.0/29' }, country: 'de' }] },
      foreign: { exits: [{ direct: { from: '203.0.113.0/30' } }] },
    },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await origin?.close();
});

const get = (parameters = '', host = '127.0.0.1', port = origin.port) =>
  forwardVia(gateway.port(), `http://${host}:${port}/`, { login: gateway.login('tester', parameters) });

test.serial('the origin sees every address of the range, and a session stays on one', async (t) => {
  const seen = new Set<string>();
  for (let i = 0; i < 16; i++) seen.add((await get()).content.toString());
  t.deepEqual(
    [...seen].sort(),
    Array.from({ length: 8 }, (_, i) => `127.77.0.${i}`),
  );
  const held = new Set<string>();
  for (let i = 0; i < 5; i++) held.add((await get('session-a')).content.toString());
  t.is(held.size, 1);
  const { code, stdout } = await gateway.command('exit', 'list', '--pool', 'own');
  t.is(code, 0);
  t.regex(stdout, /direct from 127\.77\.0\.7 /);
});

test.serial('a tunnel goes out from the address, too', async (t) => {
  const { socket, status } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login: gateway.login() });
  t.is(status, 200);
  socket.write('GET / HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  t.regex(text, /127\.77\.0\.[0-7]$/);
});

test.serial('a range that is not on this machine is warned of, and its exchanges end with exit_failed', async (t) => {
  const answer = await get('pool-foreign-retry-0');
  t.is(answer.reason, 'exit_failed');
  t.regex(answer.content.toString(), /not on this machine/);
  t.false(answer.content.toString().includes('203.0.113'), 'no error shows the address of an exit');
  const warning = /foreign\.yaml: exits\[0\]\.direct: 203\.0\.113\.0 is not on this machine.*ip route add local/;
  await until(() => warning.test(gateway.output()), 'it is said');
});

test.serial('a way back to the gateway itself is found from any address', async (t) => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const answer = await get('', host, gateway.port());
    t.true(['loop', 'target_forbidden', 'target_ip_forbidden'].includes(answer.reason), answer.reason);
  }
});
