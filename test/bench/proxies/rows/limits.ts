import type { Figures } from '../figures.ts';
import { startGatewayPeer, unlimited } from '../gateway-peer.ts';
import { applyLoad } from '../load.ts';
import type { Running } from '../peer.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Row } from './row.ts';

/** Exchanges that are under way at once. */
const connections = 32;

/** What limits and ledger cost: CPU per exchange with all of them beside the same without any. */
export const limitsRow: Row = async (scene) => {
  const on = await startGatewayPeer(scene, { name: 'limits and ledger' });
  try {
    const off = await startGatewayPeer(scene, { name: 'neither', config: unlimited });
    try {
      return [await costOf(scene, 'connect', [on, off]), await costOf(scene, 'http', [on, off])];
    } finally {
      await off.stop();
    }
  } finally {
    await on.stop();
  }
};

async function costOf(scene: Scene, mode: 'connect' | 'http', gateways: readonly Running[]): Promise<Figures> {
  const { limitRounds, seconds, warm } = scene.sizes;
  for (const on of gateways) await applyLoad(scene, mode, { on, load: { connections, ...warm } });
  const series = await alternate(gateways, limitRounds, async (on) => {
    const { served, proxyCpuSeconds } = await applyLoad(scene, mode, { on, load: { connections, seconds } });
    return { cost: served === 0 ? null : (proxyCpuSeconds / served) * 1e6 };
  });
  return {
    row: `limits-${mode}`,
    title: `${mode === 'connect' ? 'CONNECT set-up, one GET, close' : 'Forwarded request'}, limits and ledger on and off: CPU`,
    unit: 'µs per exchange',
    series: series('cost'),
    goals: [{ peer: 'limits and ledger', over: 'neither', atMost: 1.05 }],
    notes: [],
  };
}
