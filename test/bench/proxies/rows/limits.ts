import type { Figures } from '../figures.ts';
import { type GatewaySettings, startGatewayPeer, unlimited } from '../gateway-peer.ts';
import { applyLoad } from '../load.ts';
import type { Running } from '../peer.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Row } from './row.ts';

/** Exchanges that are under way at once. */
const connections = 32;

/** How often each of a pair has its turn in a round, once both are warm, and for how long. What a machine makes of the same work may
 *  change by half within a minute, so that turns that are longer, or further from each other, tell of that instead. */
const TURNS = 16;
const TURN_SECONDS = 0.5;

const settings: readonly GatewaySettings[] = [{ name: 'limits and ledger' }, { name: 'neither', config: unlimited }];

type Kind = 'connect' | 'http';

/** What limits and ledger cost: CPU per exchange with all of them beside the same without any. */
export const limitsRow: Row = async (scene) => [await costOf(scene, 'connect'), await costOf(scene, 'http')];

async function costOf(scene: Scene, kind: Kind): Promise<Figures> {
  const rounds: ReadonlyMap<string, number | null>[] = [];
  for (let round = 0; round < scene.sizes.limits.rounds; round++) rounds.push(await costsOfPair(scene, kind));
  return {
    row: `limits-${kind}`,
    title: `${kind === 'connect' ? 'CONNECT set-up, one GET, close' : 'Forwarded request'}, limits and ledger on and off: CPU`,
    unit: 'µs per exchange',
    series: settings.map(({ name = '' }) => ({ peer: name, samples: rounds.map((costs) => costs.get(name) ?? null) })),
    goals: [{ peer: 'limits and ledger', over: 'neither', atMost: 1.05 }],
    notes: [],
  };
}

/** Of two gateways that are started for it: what is compiled how differs from one to the next, by more than what is measured here. They
 *  take turns from the first exchange on, because one that rested while the other was warmed would be cold again. */
async function costsOfPair(scene: Scene, kind: Kind): Promise<ReadonlyMap<string, number | null>> {
  const pair: Running[] = [];
  try {
    for (const one of settings) pair.push(await startGatewayPeer(scene, one));
    const warmTurns = Math.ceil(scene.sizes.limits.warmSeconds / TURN_SECONDS);
    const taken = await alternate(pair, warmTurns + TURNS, async (on) => {
      const load = { connections, seconds: TURN_SECONDS };
      const { served, proxyCpuSeconds } = await applyLoad(scene, kind, { on, load });
      return { served, cpuSeconds: proxyCpuSeconds };
    });
    const sums = (figure: 'served' | 'cpuSeconds') =>
      new Map(taken(figure).map(({ peer, samples }) => [peer, sumOf(samples.slice(warmTurns))]));
    const served = sums('served');
    return new Map([...sums('cpuSeconds')].map(([peer, seconds]) => [peer, perExchange(seconds, served.get(peer))]));
  } finally {
    await Promise.all(pair.map((on) => on.stop()));
  }
}

const sumOf = (samples: readonly (number | null)[]): number =>
  samples.reduce<number>((sum, one) => sum + (one ?? 0), 0);

/** In µs; null where none was served. */
const perExchange = (cpuSeconds: number, served = 0): number | null =>
  served === 0 ? null : (cpuSeconds / served) * 1e6;
