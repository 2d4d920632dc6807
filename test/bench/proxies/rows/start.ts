import type { Figures } from '../figures.ts';
import { type GatewaySettings, startGatewayPeer } from '../gateway-peer.ts';
import { usageOf } from '../process-tree.ts';
import type { Scene } from '../scene.ts';
import { collect } from './idle.ts';
import { alternate, type Row } from './row.ts';

/** The pool that memory is compared with. */
const fewExits = 10;

/** How soon a gateway serves that has a great many exits, and what each of them takes. */
export const startRow: Row = async (scene) => {
  const { startExits, startKinds, slowRounds } = scene.sizes;
  const kinds = startKinds.map((name) => ({ name }));
  const series = await alternate(kinds, slowRounds, async ({ name: kind }) => {
    const few = await start(scene, { kind, exits: fewExits });
    const many = await start(scene, { kind, exits: startExits });
    return { seconds: many.seconds, octets: ((many.residentKiB - few.residentKiB) * 1_024) / startExits };
  });
  const exits = startExits.toLocaleString('en');
  const goals = (atMost: number) => startKinds.map((peer) => ({ peer, atMost }));
  const shared = { notes: [], goals: goals(5) };
  return [
    {
      ...shared,
      row: 'start',
      title: `Start with ${exits} exits, until it serves`,
      unit: 's',
      series: series('seconds'),
    },
    {
      ...shared,
      row: 'start-memory',
      title: `Memory of an exit, of ${exits}: RSS after a collection`,
      unit: 'octets',
      series: series('octets'),
      goals: goals(300),
    },
  ] satisfies Figures[];
};

async function start(scene: Scene, settings: GatewaySettings): Promise<{ seconds: number; residentKiB: number }> {
  const first = await startGatewayPeer(scene, settings);
  const { seconds, peer } = await first.startAgain();
  try {
    await collect(peer);
    return { seconds, residentKiB: usageOf(peer.pid).residentKiB };
  } finally {
    await peer.stop();
  }
}
