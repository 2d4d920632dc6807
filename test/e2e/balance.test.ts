import type { Socket } from 'node:net';
import test from 'ava';
import { forwardVia, open } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { until } from '../support/until.ts';

/** What lasts long is spread evenly over the threads. Skipped without the addon: then chance spreads it. */

const balanceTest = relayBinding() === null ? test.skip : test;

const LASTING = 120;
/** Of the one thread's connections so many stay, and then as many come anew as are gone. */
const LEFT = 8;
/** No trial begins later: each takes seconds, and far more where the machine does much else. */
const TRIALS_MS = 240_000;

/** Resolves with the connections of each worker once there are so many in all. */
async function settled(gateway: Gateway, count: number): Promise<readonly number[]> {
  let counts: readonly number[] = [];
  await until(async () => {
    counts = (await gateway.health()).workers.connections;
    return counts.reduce((sum, one) => sum + one) === count;
  }, `${count} connections`);
  return counts;
}

/** One more than an eighth and two: a connection is looked at before it is counted. */
const isEven = (counts: readonly number[]) => Math.max(...counts) <= Math.min(...counts) * 1.125 + 3;

balanceTest('connections that last are spread evenly over the threads, also where many of one have left', async (t) => {
  t.timeout(600_000);
  const config = { workers: 2, timeouts: { handshake: '10m' } };
  const gateway = await startGateway({ config, pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(gateway.stop);
  const seen: string[] = [];
  // A thread that a busy machine keeps from its turns is passed nothing: then it is tried again.
  await until(
    async () => {
      const sockets: Socket[][] = [[], []];
      let first: readonly number[] = [0, 0];
      for (let made = 1; made <= LASTING; made++) {
        const socket = await open(gateway.port());
        const counts = await settled(gateway, made);
        sockets[counts[0] === first[0] ? 1 : 0]!.push(socket);
        first = counts;
      }
      const leaving = sockets[1]!.splice(LEFT);
      for (const socket of leaving) socket.destroy();
      await settled(gateway, LASTING - leaving.length);
      const others = await Promise.all(leaving.map(() => open(gateway.port())));
      const second = await settled(gateway, LASTING);
      seen.push(`${first.join(' + ')}, then ${second.join(' + ')}`);
      const whole = isEven(first) && isEven(second);
      const lasting = [...sockets.flat(), ...others];
      if (whole) {
        const login = gateway.login();
        const answers = lasting.map((socket) => forwardVia(0, 'http://roundabout.internal/echo', { login, socket }));
        t.deepEqual([...new Set((await Promise.all(answers)).map(({ status }) => status))], [200]);
      }
      for (const socket of lasting) socket.destroy();
      await settled(gateway, 0);
      return whole;
    },
    'evenly spread',
    TRIALS_MS,
  ).finally(() => t.log(seen.join('\n')));
});
