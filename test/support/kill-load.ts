import { forwardVia } from './clients.ts';
import type { Gateway } from './gateway.ts';

/** Requests that some clients make one after the other, until the gateway is killed or they are stopped. */
export interface KillLoad {
  /** How many have ended well until now. */
  ended(): number;
  /** When the one of this number had ended, in ms of `performance.now`; now, where it hasn't. */
  endOf(index: number): number;
  /** Begins no more, and waits for those under way. */
  stop(): Promise<{ readonly begun: number; readonly ended: number }>;
}

/** Six clients ask the origin at `port` through the gateway, as fast as it answers. */
export function startKillLoad(gateway: Gateway, port: number): KillLoad {
  let begun = 0;
  let running = true;
  const ends: number[] = [];
  const one = async () => {
    while (running) {
      begun += 1;
      const answer = await forwardVia(gateway.port(), `http://127.0.0.1:${port}/`, { login: gateway.login() }).catch(
        () => null,
      );
      if (answer === null) return;
      ends.push(performance.now());
    }
  };
  const all = Promise.all(Array.from({ length: 6 }, one));
  return {
    ended: () => ends.length,
    endOf: (index) => ends[index] ?? performance.now(),
    stop: async () => {
      running = false;
      await all;
      return { begun, ended: ends.length };
    },
  };
}

/** Of `ended` exchanges the last `lost` may be missing after a kill: for how long before it they had ended, in ms. */
export function lostMs(load: KillLoad, { ended, lost, killedAt }: { ended: number; lost: number; killedAt: number }) {
  return lost <= 0 ? 0 : killedAt - load.endOf(ended - lost);
}
