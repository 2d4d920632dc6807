import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { connectVia, socks5Via } from '../support/clients.ts';
import { type GatewayOptions, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';
import { readAll } from '../transport/bench.ts';

const carriers: readonly (readonly [string, number])[] = [
  ['in TypeScript', 0],
  ...(relayBinding() === null ? [] : [['native', 1] as const]),
];

/** A gateway whose relay has so many threads, and an origin whose connections the test gets one by one. */
async function scene(threads: number, config: GatewayOptions['config'] & object = {}) {
  const gateway = await startGateway({
    config: { relay: { threads }, ...config },
    pools: { direct: { exits: [{ direct: true }] } },
  });
  const waiting: ((socket: Socket) => void)[] = [];
  const origin = await listen(createServer({ allowHalfOpen: true }, (socket) => waiting.shift()?.(socket)));
  const open = async (by: 'CONNECT' | 'SOCKS5' = 'CONNECT') => {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    waiting.push(resolve);
    const login = gateway.login();
    const { socket: client } =
      by === 'CONNECT'
        ? await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login })
        : await socks5Via(gateway.port(), { host: '127.0.0.1', port: origin.port }, { login });
    return { client, far: await promise };
  };
  return { gateway, open, close: () => origin.close() };
}

for (const [by, threads] of carriers) {
  test.serial(`health counts tunnels, and the log their octets, ${by}`, async (t) => {
    const { gateway, open, close } = await scene(threads);
    t.teardown(close);
    const tunnels = [await open('CONNECT'), await open('SOCKS5')];
    t.is((await gateway.health()).connections, 2);
    // A tunnel is handed over a moment after its client was told of it.
    const relayed = async () => {
      const { relay } = await gateway.health();
      return relay.kind === 'native' ? relay.tunnels : relay.kind;
    };
    await until(async () => (await relayed()) === (threads === 0 ? 'typescript' : 2), 'both are relayed');
    for (const { client, far } of tunnels) {
      client.end('request');
      t.is(String(await readAll(far)), 'request');
      far.end('the answer');
      t.is(String(await readAll(client)), 'the answer');
    }
    const lines = await gateway.accessLog(2);
    for (const line of lines) t.like(line, { kind: 'ok', cut: false, clientToOrigin: 7, originToClient: 10 });
    await until(async () => (await gateway.health()).connections === 0, 'no connection is left');
    t.is(await gateway.stop(), 0);
  });

  test.serial(`a drain waits for tunnels, ${by}`, async (t) => {
    const { gateway, open, close } = await scene(threads);
    t.teardown(close);
    const { client, far } = await open();
    const ended = gateway.terminate();
    await until(() => gateway.output().includes('draining'));
    client.end('still');
    t.is(String(await readAll(far)), 'still');
    far.end('works');
    t.is(String(await readAll(client)), 'works');
    t.is(await ended, 0);
    await gateway.stop();
    t.like((await gateway.accessLog(1))[0], { kind: 'ok', cut: false, clientToOrigin: 5, originToClient: 5 });
  });

  test.serial(`at the end of a drain what remains is cut, and booked, ${by}`, async (t) => {
    const { gateway, open, close } = await scene(threads, { timeouts: { drain: '200ms' } });
    t.teardown(close);
    const { client, far } = await open();
    client.write('part');
    await once(far, 'data');
    const lost = [client, far].map((socket) => new Promise((resolve) => socket.resume().once('close', resolve)));
    for (const socket of [client, far]) socket.on('error', () => {}).once('end', () => socket.destroy());
    t.is(await gateway.stop(), 0);
    await Promise.all(lost);
    t.like((await gateway.accessLog(1))[0], { kind: 'ok', cut: true, clientToOrigin: 4 });
  });

  test.serial(`the deadline of an exchange cuts its tunnel, ${by}`, async (t) => {
    const { gateway, open, close } = await scene(threads, { timeouts: { exchange: '8s' } });
    t.teardown(close);
    const { client, far } = await open();
    const errors = [client, far].map((socket) => new Promise((resolve) => socket.resume().once('error', resolve)));
    await Promise.all(errors);
    t.like((await gateway.accessLog(1))[0], { kind: 'ok', by: 'gateway', cut: true });
    t.is(await gateway.stop(), 0);
  });
}
