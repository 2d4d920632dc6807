import type { Figures, Goal } from '../figures.ts';
import { applyLoad, type Load, type Measured } from '../load.ts';
import type { Peer, Running, Speech } from '../peer.ts';
import { floorNamed } from '../peers.ts';
import type { Scene } from '../scene.ts';
import { alternate, type Row, speakersOf, withCast } from './row.ts';

/** What one exchange of a kind costs. */
interface ExchangeCost {
  readonly row: Speech;
  readonly title: string;
  readonly goals: readonly Goal[];
  readonly notes?: readonly string[];
}

/** Exchanges that are under way at once. */
const connections = 32;
/** A share of failed exchanges that is worth a note. */
const worthNoting = 0.001;

const costs: Readonly<Record<Speech, ExchangeCost>> = {
  connect: {
    row: 'connect',
    title: 'CONNECT set-up, one GET, close: CPU',
    goals: [
      { peer: 'gateway', over: 'squid', atMost: 0.55 },
      { peer: 'gateway', over: 'floor', atMost: 2.5 },
    ],
  },
  socks5: {
    row: 'socks5',
    title: 'SOCKS5 set-up, one GET, close: CPU',
    goals: [
      { peer: 'gateway', over: 'dante', atMost: 0.5 },
      { peer: 'gateway', over: 'floor', atMost: 2.8 },
    ],
    notes: ['dante asks for no login; floor goes through the login and checks nothing'],
  },
  http: {
    row: 'http',
    title: 'Forwarded request, connection kept: CPU',
    goals: [{ peer: 'gateway', over: 'squid', atMost: 0.5 }],
    notes: ['floor forwards no requests; tinyproxy closes each connection'],
  },
};

/** The row of one kind of exchange; `among` leaves others out. */
export function costRow(kind: Speech, among: (peer: Peer) => boolean = () => true): Row {
  return (scene) =>
    withCast(scene, speakersOf(kind).filter(among), async (cast) => {
      const { rounds, seconds, warm } = scene.sizes;
      const cost = costs[kind];
      const failures = new Map<string, number>();
      const apply = (on: Running, load: Load) => applyLoad(scene, kind, { on, load });
      for (const one of cast.running) await apply(one, { connections, ...warm });
      const series = await alternate(cast.running, rounds, async (one) => {
        const measured = await apply(one, { connections, seconds });
        failures.set(one.name, Math.max(failures.get(one.name) ?? 0, failedShare(measured)));
        return { cost: measured.served === 0 ? null : (measured.proxyCpuSeconds / measured.served) * 1e6 };
      });
      const notes = [...cast.notes, ...(cost.notes ?? []), ...failureNotes(failures)];
      return [
        { row: cost.row, title: cost.title, unit: 'µs per exchange', series: series('cost'), goals: cost.goals, notes },
      ];
    });
}

function failedShare({ served, refused, dropped }: Measured): number {
  return (refused + dropped) / Math.max(1, served + refused + dropped);
}

function failureNotes(failures: ReadonlyMap<string, number>): string[] {
  return [...failures]
    .filter(([, share]) => share > worthNoting)
    .map(([name, share]) => `${name}: ${(share * 100).toFixed(1)} % of exchanges failed in one round`);
}

/** Bytes through tunnels. A second floor takes part: its ratio to the first tells how far figures of this machine can be trusted. */
export function bulkRow(among: (peer: Peer) => boolean = () => true): Row {
  return (scene) =>
    withCast(scene, [...speakersOf('connect').filter(among), floorNamed('floor again')], async (cast) => {
      const { rounds, ...until } = scene.sizes.bulk;
      const load = { ...until, connections: 4 };
      for (const on of cast.running) await applyLoad(scene, 'bulk', { on, load: { ...load, bytes: load.bytes / 5 } });
      const series = await alternate(cast.running, rounds, async (on, round) => {
        if (!on.name.startsWith('floor') && on.name !== 'gateway' && isLeftOut(round, scene)) return { cost: null };
        const measured = await applyLoad(scene, 'bulk', { on, load });
        return { cost: measured.bytes === 0 ? null : measured.proxyCpuSeconds / (measured.bytes / 1e9) };
      });
      return [bulkFigures(series('cost'), cast.notes)];
    });
}

/** Those whose octets cost several times the floor's needn't be measured as exactly as ours. */
function isLeftOut(round: number, { sizes }: Scene): boolean {
  return sizes.bulk.rounds > 3 && round % 3 !== 0;
}

function bulkFigures(series: Figures['series'], notes: readonly string[]): Figures {
  return {
    row: 'bulk',
    title: 'Bytes through four tunnels: CPU',
    unit: 's per GB',
    series,
    goals: [{ peer: 'gateway', over: 'floor', atMost: 1.25 }],
    notes,
  };
}
