import { availableParallelism } from 'node:os';
import type { Figures } from '../figures.ts';
import { startGatewayPeer } from '../gateway-peer.ts';
import { applyLoad } from '../load.ts';
import type { Running } from '../peer.ts';
import type { Scene } from '../scene.ts';
import { alternate, coresNote, type Row } from './row.ts';

/** Cores on which two workers, the load, the origin and the exits stand in each other's way. */
const tooFewCores = 4;

/** What a second worker brings: exchanges per second of two beside one. */
export const workersRow: Row = async (scene) => {
  const two = await startGatewayPeer(scene, { name: 'two workers', workers: 2 });
  try {
    const one = await startGatewayPeer(scene, { name: 'one worker', workers: 1 });
    try {
      return [await rates(scene, 'connect', [two, one]), await rates(scene, 'http', [two, one])];
    } finally {
      await one.stop();
    }
  } finally {
    await two.stop();
  }
};

async function rates(scene: Scene, mode: 'connect' | 'http', gateways: readonly Running[]): Promise<Figures> {
  const { rounds, seconds, warm } = scene.sizes;
  const connections = 64;
  let share = 0;
  for (const on of gateways) await applyLoad(scene, mode, { on, load: { connections, ...warm } });
  const series = await alternate(gateways, rounds, async (on) => {
    const {
      served,
      seconds: lasted,
      cpuSeconds,
    } = await applyLoad(scene, mode, { on, load: { connections, seconds } });
    share = Math.max(share, cpuSeconds / lasted);
    return { rate: served / lasted };
  });
  const cores = availableParallelism();
  const few = cores < tooFewCores ? ['too few cores for the goal: no core is left for the second worker'] : [];
  return {
    row: `workers-${mode}`,
    title: `${mode === 'connect' ? 'CONNECT' : 'Forwarded requests'}, two workers beside one`,
    unit: 'per second',
    series: series('rate'),
    goals: [{ peer: 'two workers', over: 'one worker', atLeast: 1.7 }],
    notes: [coresNote(cores, share), ...few],
  };
}
