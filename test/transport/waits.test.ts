import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { descriptorOf } from '../../src/transport/descriptor.ts';
import { open } from '../support/clients.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

const binding = relayBinding();
const natively = binding === null ? test.skip : test;

natively('a connection tells how long its last octets have waited, read or not', async (t) => {
  const accepted: Socket[] = [];
  const peer = await listen(createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket)));
  const client = await open(peer.port);
  t.teardown(() => {
    client.destroy();
    return peer.close();
  });
  await until(() => accepted.length > 0);
  const waited = () => binding!.waited(descriptorOf(accepted[0]!));
  client.write('a');
  await sleep(300);
  const first = waited();
  t.true(first >= 250, `${first}`);
  await sleep(200);
  t.true(waited() >= first + 150);
  let last = waited();
  for (let looks = 0; last >= first && looks < 1_000; looks++) {
    client.write('b');
    await sleep(1);
    last = waited();
  }
  t.true(last < first, `${last}`);
});

natively('what is no connection tells nothing', (t) => {
  for (const fd of [-1, 1e9, Number.NaN, 2 ** 40]) t.is(binding!.waited(fd), -1);
});
