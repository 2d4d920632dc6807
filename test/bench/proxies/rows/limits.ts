import type { Figures } from '../figures.ts';
import { type GatewaySettings, startGatewayPeer, unlimited } from '../gateway-peer.ts';
import { applyLoad } from '../load.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Row } from './row.ts';

/** Exchanges that are under way at once. */
const connections = 32;

const settings = [{ name: 'limits and ledger' }, { name: 'neither', config: unlimited }] as const;

/** What limits and ledger cost: CPU per exchange with all of them beside the same without any. */
export const limitsRow: Row = async (scene) => [await costOf(scene, 'connect'), await costOf(scene, 'http')];

async function costOf(scene: Scene, mode: 'connect' | 'http'): Promise<Figures> {
  const series = await alternate(settings, scene.sizes.limitRounds, async (one) => ({
    cost: await costOnce(scene, mode, one),
  }));
  return {
    row: `limits-${mode}`,
    title: `${mode === 'connect' ? 'CONNECT set-up, one GET, close' : 'Forwarded request'}, limits and ledger on and off: CPU`,
    unit: 'µs per exchange',
    series: series('cost'),
    goals: [{ peer: 'limits and ledger', over: 'neither', atMost: 1.05 }],
    notes: [],
  };
}

/** Of a gateway of its own: what is compiled how differs from one to the next, by more than what is measured here. */
async function costOnce(scene: Scene, mode: 'connect' | 'http', one: GatewaySettings): Promise<number | null> {
  const { seconds, warm } = scene.sizes;
  const on = await startGatewayPeer(scene, one);
  try {
    await applyLoad(scene, mode, { on, load: { connections, ...warm } });
    const { served, proxyCpuSeconds } = await applyLoad(scene, mode, { on, load: { connections, seconds } });
    return served === 0 ? null : (proxyCpuSeconds / served) * 1e6;
  } finally {
    await on.stop();
  }
}
