import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { open } from '../support/clients.ts';
import type { Gateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';
import { until } from '../support/until.ts';

/** An origin that counts what reaches it, and may hold its answers. */
export interface CountingOrigin extends Peer {
  /** Requests so far. */
  readonly seen: number;
  /** Requests that have had no answer yet; and the most that there ever were. */
  readonly waiting: number;
  readonly most: number;
  /** When each request came, in ms of `performance.now()`, and what it asked for. */
  readonly times: readonly number[];
  readonly paths: readonly string[];
  /** Whether requests are held. `false` answers those that are. */
  hold(on: boolean): void;
}

/** Answers `ok` to everything. */
export async function startCountingOrigin(): Promise<CountingOrigin> {
  const held: ServerResponse[] = [];
  const times: number[] = [];
  const paths: string[] = [];
  let [holding, most] = [false, 0];
  const peer = await listen(
    createServer(({ url }, response) => {
      times.push(performance.now());
      paths.push(url ?? '');
      held.push(response);
      most = Math.max(most, held.length);
      if (!holding) for (const one of held.splice(0)) one.end('ok');
    }),
    '0.0.0.0',
  );
  return {
    ...peer,
    get seen() {
      return times.length;
    },
    get waiting() {
      return held.length;
    },
    get most() {
      return most;
    },
    times,
    paths,
    hold: (on) => {
      holding = on;
      if (!on) for (const one of held.splice(0)) one.end('ok');
    },
  };
}

/** Connections wait for all of them to be open, and a busy machine takes its time. */
export const unhurried = { handshake: '10m', head: '10m' } as const;

/** Connections to the gateway, of which each of its two workers has some. Its timeouts are to be `unhurried`. A worker that has just
 *  taken another's place may not listen yet: then it begins anew. */
export async function openToBoth(gateway: Gateway, count: number): Promise<readonly Socket[]> {
  let sockets: readonly Socket[] = [];
  const shares = async () => (await gateway.health()).workers.connections;
  const sumOf = (counts: readonly number[]) => counts.reduce((sum, one) => sum + one, 0);
  await until(async () => {
    for (const socket of sockets) socket.destroy();
    await until(async () => sumOf(await shares()) < count);
    sockets = await Promise.all(Array.from({ length: count }, () => open(gateway.port())));
    await until(async () => sumOf(await shares()) >= count, `${count} connections are accepted`);
    return (await shares()).every((one) => one > 0);
  }, `each worker has some of ${count} connections`);
  return sockets;
}
