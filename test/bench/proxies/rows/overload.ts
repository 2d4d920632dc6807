import { availableParallelism } from 'node:os';
import type { Figures } from '../figures.ts';
import { applyLoad } from '../load.ts';
import { ownView } from '../own-view.ts';
import type { Running } from '../peer.ts';
import { usageOf } from '../process-tree.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Cast, chosenOf, coresNote, type Row, withCast } from './row.ts';

/** How many times its best is asked of a proxy. */
const factor = 4;
/** Seconds after which an exchange that isn't done is given up: what comes later isn't goodput. */
const patience = 1;
/** What is asked at once takes a while to tell as too much: a load lasts for several times that. */
const leastSeconds = 6;
/** How often memory is looked at, in ms. */
const lookEveryMs = 100;

type Figure = 'goodput' | 'refused' | 'refusal' | 'memory';

/** What is told of each, and what it should be: refusals at once, for one that nobody waits for any more tells nothing, and memory that
 *  doesn't grow with what is asked. */
const told: Readonly<Record<Figure, Pick<Figures, 'title' | 'unit' | 'goals'>>> = {
  goodput: { title: 'served within a second', unit: '% of its best', goals: [{ peer: 'gateway', atLeast: 90 }] },
  refused: { title: 'refused', unit: '% of what was due', goals: [] },
  refusal: { title: 'time of a refusal, p99', unit: 'ms', goals: [{ peer: 'gateway', atMost: patience * 1_000 }] },
  memory: { title: 'growth of RSS', unit: 'MiB', goals: [{ peer: 'gateway', atMost: 32 }] },
};

/** What becomes of a proxy of which more is asked than it can do. Open loop, so that its slowness brings no relief. */
export const overloadRow: Row = (scene) => {
  const { chosen, leftOut } = chosenOf(scene.sizes, 'connect');
  return withCast(scene, chosen, ({ running, notes }) => overload(scene, { running, notes: [...notes, ...leftOut] }));
};

async function overload(scene: Scene, { running, notes }: Cast): Promise<Figures[]> {
  let share = 0;
  const views = await Promise.all(running.map(ownView));
  const series = await alternate(running, scene.sizes.slowRounds, async (one) => {
    const { samples, loadShare } = await overloadOne(scene, one);
    share = Math.max(share, loadShare);
    return samples;
  });
  const control = 'floor shows what load and machine leave of anyone';
  const ofThemselves = await Promise.all(views.flatMap((view) => view?.told() ?? []));
  const allNotes = [...notes, ...ofThemselves, coresNote(availableParallelism(), share), control];
  return (Object.keys(told) as Figure[]).map((figure) => ({
    ...told[figure],
    row: `overload-${figure}`,
    title: `CONNECT at four times its best: ${told[figure].title}`,
    series: series(figure),
    notes: figure === 'goodput' ? allNotes : [],
  }));
}

async function overloadOne(scene: Scene, on: Running) {
  const { seconds, warm } = scene.sizes;
  await applyLoad(scene, 'connect', { on, load: { connections: 64, ...warm } });
  const best = await applyLoad(scene, 'connect', { on, load: { connections: 64, seconds } });
  const bestRate = best.served / best.seconds;
  const rate = factor * bestRate;
  const connections = Math.ceil(Math.min(scene.openFiles * 0.4, 1.2 * rate * patience));
  const memory = watchMemory(on.pid);
  const load = { connections, seconds: Math.max(leastSeconds, seconds), rate, patience };
  const measured = await applyLoad(scene, 'connect', { on, load }).finally(memory.stop);
  const due = measured.served + measured.refused + measured.dropped + measured.late + measured.unstarted;
  const refused = measured.refused + measured.dropped;
  const samples: Readonly<Record<Figure, number | null>> = {
    goodput: (measured.served / measured.seconds / bestRate) * 100,
    refused: (refused / due) * 100,
    refusal: measured.refused > 0 ? measured.refusedP99Ms : null,
    memory: memory.growthMiB(),
  };
  return { samples, loadShare: measured.cpuSeconds / measured.seconds };
}

/** Looks at a proxy's memory again and again. */
function watchMemory(pid: number) {
  const before = usageOf(pid).residentKiB;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, usageOf(pid).residentKiB);
  }, lookEveryMs);
  return { stop: () => clearInterval(timer), growthMiB: () => (most - before) / 1_024 };
}
