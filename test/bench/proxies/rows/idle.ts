import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../children.ts';
import type { Figures, Goal, Series } from '../figures.ts';
import { applyLoad, startLoad } from '../load.ts';
import type { Peer, Running } from '../peer.ts';
import { usageOf } from '../process-tree.ts';
import type { Scene } from '../scene.ts';
import { startTlsClients, type TlsTarget, withTlsPair } from '../tls-pair.ts';
import { alternate, available, chosenOf, type Row } from './row.ts';

/** Resident memory for a tunnel, in KiB: as soon as all are up, and after a collection. */
interface PerTunnel {
  readonly straight: number;
  readonly collected: number;
}

/** A proxy needs two descriptors for a tunnel, and some for itself. */
const tunnelsPerFile = 0.46;
const holdBoundMs = 90_000;

/** What tunnels take that are open and silent: plain ones beside all others, and through TLS beside a bare pipe. */
export const idleRow: Row = async (scene) => [...(await plain(scene)), ...(await throughTls(scene))];

async function plain(scene: Scene): Promise<Figures[]> {
  const { chosen, leftOut } = chosenOf(scene.sizes, 'connect');
  const { here, notes } = available(chosen);
  const count = Math.min(scene.sizes.idleTunnels, Math.floor(scene.openFiles * tunnelsPerFile));
  const limited = count < scene.sizes.idleTunnels ? [`${count} tunnels, because of ulimit -n ${scene.openFiles}`] : [];
  const series = await alternate(here, scene.sizes.slowRounds, (peer) => plainPerTunnel(scene, peer, count));
  return figuresOf('idle', `Memory of an idle tunnel, of ${count}`, {
    series,
    goals: { straight: [{ peer: 'gateway', atMost: 5 }], collected: [{ peer: 'gateway', atMost: 1 }] },
    notes: [...notes, ...leftOut, ...limited],
  });
}

/** In a process of its own, because a collection leaves what once was taken. */
async function plainPerTunnel(scene: Scene, peer: Peer, count: number): Promise<PerTunnel> {
  const on = await peer.start(scene);
  try {
    await applyLoad(scene, 'connect', { on, load: { connections: 32, ...scene.sizes.warm } });
    const load = { connections: count, seconds: holdBoundMs / 1_000 };
    return await perTunnel(on, () => startLoad(scene, 'idle', { on, load }));
  } finally {
    await on.stop();
  }
}

async function throughTls(scene: Scene): Promise<Figures[]> {
  const count = scene.sizes.tlsTunnels;
  const series = await withTlsPair(scene, async (pair) => {
    const hold = (on: TlsTarget, tunnels: number) => () => startTlsClients(scene, on, { count: tunnels });
    // The first tunnels of a process bring its code to life.
    for (const one of pair) await perTunnel(one, hold(one, Math.ceil(count / 5)));
    return alternate(pair, scene.sizes.slowRounds, (one) => perTunnel(one, hold(one, count)));
  });
  const ratio: Goal = { peer: 'gateway', over: 'bare pipe', atMost: 1 };
  return figuresOf('idle-tls', `Memory of an idle tunnel through TLS, of ${count}`, {
    series,
    goals: { straight: [ratio], collected: [ratio, { peer: 'gateway', atMost: 40 }] },
    notes: [],
  });
}

async function perTunnel(on: Running, hold: () => Promise<Child>): Promise<PerTunnel> {
  await collect(on);
  const before = usageOf(on.pid).residentKiB;
  const holder = await hold();
  try {
    const { held }: { held: number } = JSON.parse(await holder.line(holdBoundMs));
    const straight = usageOf(on.pid).residentKiB;
    await collect(on);
    const collected = usageOf(on.pid).residentKiB;
    return { straight: (straight - before) / held, collected: (collected - before) / held };
  } finally {
    await holder.stop();
  }
}

/** Has garbage collected where there is any. V8 gives back only later what it needs no more. */
export async function collect(on: Pick<Running, 'collect'>): Promise<void> {
  for (const waitMs of [1_500, 500]) {
    on.collect?.();
    await pause(waitMs);
  }
}

interface IdleFigures {
  readonly series: (figure: keyof PerTunnel) => Series[];
  readonly goals: Readonly<Record<keyof PerTunnel, readonly Goal[]>>;
  readonly notes: readonly string[];
}

function figuresOf(row: string, title: string, { series, goals, notes }: IdleFigures): Figures[] {
  const times = { straight: 'straight after', collected: 'after a collection' } as const;
  return (['straight', 'collected'] as const).map((time) => ({
    row: `${row}-${time}`,
    title: `${title}: RSS, ${times[time]}`,
    unit: 'KiB',
    series: series(time),
    goals: goals[time],
    notes,
  }));
}
