import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { open } from '../support/clients.ts';
import type { Gateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';

/** An origin that counts what reaches it, and may hold its answers. */
export interface CountingOrigin extends Peer {
  /** Requests so far. */
  readonly seen: number;
  /** Requests that have had no answer yet; and the most that there ever were. */
  readonly waiting: number;
  readonly most: number;
  /** When each request came, in ms of `performance.now()`. */
  readonly times: readonly number[];
  /** Whether requests are held. `false` answers those that are. */
  hold(on: boolean): void;
}

/** Answers `ok` to everything. */
export async function startCountingOrigin(): Promise<CountingOrigin> {
  const held: ServerResponse[] = [];
  const times: number[] = [];
  let [holding, most] = [false, 0];
  const peer = await listen(
    createServer((_, response) => {
      times.push(performance.now());
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
    hold: (on) => {
      holding = on;
      if (!on) for (const one of held.splice(0)) one.end('ok');
    },
  };
}

/** Connections to the gateway, of which each of its two workers has some. */
export async function openToBoth(gateway: Gateway, count: number): Promise<readonly Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(gateway.port())));
  for (;;) {
    const { workers } = JSON.parse((await gateway.command('health', '--json')).stdout);
    const [one, other] = workers.connections as [number, number];
    if (one > 0 && other > 0 && one + other >= count) return sockets;
    if (one + other >= count) throw new Error(`all ${count} connections are one worker's`);
  }
}

/** Resolves when `holds` does; rejects after a bound. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const bound = performance.now() + 20_000; !(await holds()); ) {
    if (performance.now() > bound) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
