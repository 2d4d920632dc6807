import type { Figures, Goal } from '../figures.ts';
import { applyLoad, type Measured, type Mode } from '../load.ts';
import { ownView } from '../own-view.ts';
import type { Running, Speech } from '../peer.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Cast, chosenOf, type Row, withCast } from './row.ts';

/** A kind of exchange, and the same without a proxy. */
interface Kind {
  readonly mode: Speech;
  readonly bare: Mode;
  readonly title: string;
}

const kinds: readonly Kind[] = [
  { mode: 'connect', bare: 'direct', title: 'Added latency of CONNECT and a GET' },
  { mode: 'http', bare: 'kept', title: 'Added latency of a forwarded request' },
];

/** Exchanges at once where the most is looked for. */
const connections = 32;
const load = { connections: 512, patience: 2 };
/** Whoever carries less than this times the rate would show its queue and not its latency. */
const reserve = 1.2;

/** What a proxy adds to the latency of an exchange, at one rate for all: half of what the slower of Squid and the gateway can do.
 *  Open loop: latencies count from when an exchange was due. */
export const latencyRow: Row = async (scene) => {
  const figures: Figures[] = [];
  for (const kind of kinds) {
    const { chosen, leftOut } = chosenOf(scene.sizes, kind.mode);
    const measure = ({ running, notes }: Cast) => latencies(scene, kind, { running, notes: [...notes, ...leftOut] });
    figures.push(...(await withCast(scene, chosen, measure)));
  }
  return figures;
};

async function latencies(scene: Scene, kind: Kind, { running, notes }: Cast): Promise<Figures[]> {
  const { rounds, seconds } = scene.sizes;
  const best = new Map<string, number>();
  for (const on of running) best.set(on.name, await bestRate(scene, kind.mode, on));
  const rate = 0.5 * Math.min(best.get('gateway') ?? 0, best.get('squid') ?? Number.POSITIVE_INFINITY);
  const able = running.filter(({ name }) => (best.get(name) ?? 0) > reserve * rate);
  const apply = (mode: Mode, on: Running | null) => applyLoad(scene, mode, { on, load: { ...load, seconds, rate } });
  // Once unmeasured: the rhythm is another than that of the closed loop.
  for (const one of able) await apply(kind.mode, one);
  const views = await Promise.all(able.map(ownView));
  let bare = await apply(kind.bare, null);
  const series = await alternate(able, rounds, async (one) => {
    if (one === able[0]) bare = await apply(kind.bare, null);
    const measured = await apply(kind.mode, one);
    return { p50: added(measured, bare, 'p50Ms'), p99: added(measured, bare, 'p99Ms') };
  });
  const ofThemselves = await Promise.all(views.flatMap((view) => view?.told() ?? []));
  const told = `${rate.toFixed(0)} exchanges/s for all; without a proxy p50 ${bare.p50Ms.toFixed(2)} ms, p99 ${bare.p99Ms.toFixed(2)} ms`;
  const unable = running
    .filter((one) => !able.includes(one))
    .map(({ name }) => `${name}: not measured, can't carry that`);
  const goals: Goal[] = [{ peer: 'gateway', over: 'squid', atMost: 0.5 }];
  const given = series('p50').filter(({ samples }) => samples.includes(null));
  const lost = given.map(({ peer }) => `${peer}: no figure where more than 0.5 % of exchanges failed or came late`);
  return (['p50', 'p99'] as const).map((figure) => ({
    row: `latency-${kind.mode}-${figure}`,
    title: `${kind.title} at half load: ${figure}`,
    unit: 'ms',
    series: series(figure),
    goals,
    notes: [told, ...ofThemselves, ...unable, ...lost, ...notes],
  }));
}

/** Exchanges per second, closed loop; once to warm up. */
async function bestRate(scene: Scene, mode: Mode, on: Running): Promise<number> {
  const { warm, seconds } = scene.sizes;
  await applyLoad(scene, mode, { on, load: { connections, ...warm } });
  const { served, seconds: lasted } = await applyLoad(scene, mode, { on, load: { connections, seconds } });
  return served / lasted;
}

/** Null where so many were given up that a quantile of the others says nothing. */
function added(measured: Measured, bare: Measured, quantile: 'p50Ms' | 'p99Ms'): number | null {
  const lost = measured.refused + measured.dropped + measured.late + measured.unstarted;
  return lost > measured.served / 200 ? null : measured[quantile] - bare[quantile];
}
