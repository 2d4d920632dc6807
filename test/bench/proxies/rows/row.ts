import type { Figures, Series } from '../figures.ts';
import type { Peer, Running, Speech } from '../peer.ts';
import { gateway, peers } from '../peers.ts';
import type { Scene } from '../scene.ts';

/** Measures one thing; some give several figures. */
export type Row = (scene: Scene) => Promise<Figures[]>;

/** Proxies that are running, by name, and why others aren't. */
export interface Cast {
  readonly running: readonly Running[];
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

/** Starts those of `wanted` that can be had; one that can't be is noted. */
export async function startCast(scene: Scene, wanted: readonly Peer[]): Promise<Cast> {
  const running: Running[] = [];
  const notes: string[] = [];
  for (const peer of wanted) {
    const missing = peer.missing();
    if (missing !== null) notes.push(`${peer.name}: not measured, package ${missing} is not installed`);
    else running.push(await peer.start(scene));
  }
  return { running, notes, stop: async () => void (await Promise.all(running.map((one) => one.stop()))) };
}

/** The gateway and all others that speak so. */
export function speakersOf(speech: Speech): Peer[] {
  return [gateway, ...peers.filter(({ speaks }) => speaks.includes(speech))];
}

/** Has each proxy its turn in each round: there, and back in the next one, so that none always follows the same other. */
export async function alternate(
  cast: Cast,
  rounds: number,
  measure: (one: Running, round: number) => Promise<number | null>,
): Promise<Series[]> {
  const samples = new Map(cast.running.map(({ name }): [string, (number | null)[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? cast.running : cast.running.toReversed();
    for (const one of order) samples.get(one.name)?.push(await measure(one, round));
  }
  return [...samples].map(([peer, values]) => ({ peer, samples: values }));
}

/** Starts what `wanted` says, measures, and stops it all, whatever comes. */
export async function withCast<T>(scene: Scene, wanted: readonly Peer[], use: (cast: Cast) => Promise<T>): Promise<T> {
  const cast = await startCast(scene, wanted);
  try {
    return await use(cast);
  } finally {
    await cast.stop();
  }
}
