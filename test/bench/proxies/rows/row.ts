import type { Figures, Series } from '../figures.ts';
import type { Sizes } from '../options.ts';
import type { Peer, Running, Speech } from '../peer.ts';
import { gateway, peers } from '../peers.ts';
import type { Scene } from '../scene.ts';

/** Measures one thing; some give several figures. */
export type Row = (scene: Scene) => Promise<Figures[]>;

/** Proxies that are running, by name, and why others aren't. */
export interface Cast {
  readonly running: readonly Running[];
  readonly notes: readonly string[];
}

/** Those of `wanted` that can be had, and a note for each that can't be. */
export function available(wanted: readonly Peer[]): {
  readonly here: readonly Peer[];
  readonly notes: readonly string[];
} {
  const notes = wanted.flatMap(({ name, missing }) => {
    const lacking = missing();
    return lacking === null ? [] : [`${name}: not measured, package ${lacking} is not installed`];
  });
  return { here: wanted.filter(({ missing }) => missing() === null), notes };
}

/** The gateway and all others that speak so. */
export function speakersOf(speech: Speech): Peer[] {
  return [gateway, ...peers.filter(({ speaks }) => speaks.includes(speech))];
}

/** Of those who speak so, who has a part in rows that take long, and a note on who has none. */
export function chosenOf(
  { everyPeer }: Sizes,
  speech: Speech,
): { readonly chosen: Peer[]; readonly leftOut: string[] } {
  const all = speakersOf(speech);
  const chosen = all.filter(({ name }) => everyPeer || ['gateway', 'floor', 'squid'].includes(name));
  const others = all.filter((peer) => !chosen.includes(peer)).map(({ name }) => `${name}: left out by --quick`);
  return { chosen, leftOut: others };
}

/** Gives each its turn in each round: there, and back in the next one, so that none always follows the same other. `measure`
 *  tells a sample for each of the figures, or null where one has no part in a round. */
export async function alternate<T extends { readonly name: string }, F extends string>(
  all: readonly T[],
  rounds: number,
  measure: (one: T, round: number) => Promise<Readonly<Record<F, number | null>>>,
): Promise<(figure: F) => Series[]> {
  const taken = new Map(all.map(({ name }): [string, Readonly<Record<F, number | null>>[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? all : all.toReversed();
    for (const one of order) taken.get(one.name)?.push(await measure(one, round));
  }
  return (figure) => [...taken].map(([peer, samples]) => ({ peer, samples: samples.map((one) => one[figure]) }));
}

/** Starts those of `wanted` that can be had, measures, and stops them all, whatever comes. */
export async function withCast<T>(scene: Scene, wanted: readonly Peer[], use: (cast: Cast) => Promise<T>): Promise<T> {
  const { here, notes } = available(wanted);
  const running: Running[] = [];
  try {
    for (const peer of here) running.push(await peer.start(scene));
    return await use({ running, notes });
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
}

/** How much of the machine the load itself has taken, for rows in which it competes with what is measured. */
export function coresNote(cores: number, loadShare: number): string {
  const share = loadShare.toFixed(2);
  return `on ${cores} cores: the load took ${share} of one, and origin and exits theirs, from what was measured`;
}
