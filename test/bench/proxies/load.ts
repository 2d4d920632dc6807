import type { Child } from './children.ts';
import type { Login, Running } from './peer.ts';
import { usageOf } from './process-tree.ts';
import type { Scene } from './scene.ts';

/** Modes of the load program; `direct` and `kept` go to the origin itself. */
export type Mode = 'direct' | 'kept' | 'connect' | 'socks5' | 'http' | 'bulk' | 'idle';

/** How much load, and what ends it. With `rate` (exchanges per second) it is an open loop; see native/load.c. */
export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly rate?: number;
  /** In s after an exchange was due. */
  readonly patience?: number;
  readonly bytes?: number;
}

/** What came of it. Latencies are those of exchanges that were served, from when they were due. */
export interface Outcome {
  readonly seconds: number;
  readonly served: number;
  /** Answered with a refusal; closed without an answer; given up; never begun, because no connection was free in time. */
  readonly refused: number;
  readonly dropped: number;
  readonly late: number;
  readonly unstarted: number;
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refusedP99Ms: number;
  /** Of the load program itself. */
  readonly cpuSeconds: number;
}

/** An outcome and what the proxy's processes took for it. */
export interface Measured extends Outcome {
  readonly proxyCpuSeconds: number;
}

/** How much longer than its load a load program may take. */
const marginSeconds = 10;

/** Puts `load` on a proxy (null: on the origin) and waits for its end. */
export async function applyLoad(
  scene: Scene,
  mode: Mode,
  { on, load }: { on: Running | null; load: Load },
): Promise<Measured> {
  const before = on === null ? 0 : usageOf(on.pid).cpuSeconds;
  const child = await startLoad(scene, mode, { on, load });
  try {
    const outcome: Outcome = JSON.parse(await child.line((load.seconds + marginSeconds) * 1_000));
    const after = on === null ? 0 : usageOf(on.pid).cpuSeconds;
    return { ...outcome, proxyCpuSeconds: after - before };
  } finally {
    await child.stop();
  }
}

/** Starts the load program; its line comes when it is done, or, idle, when it holds its tunnels. */
export function startLoad(scene: Scene, mode: Mode, { on, load }: { on: Running | null; load: Load }): Promise<Child> {
  const { connections, seconds, rate, patience, bytes } = load;
  const figures = { proxy: on?.port, origin: scene.originPort, connections, seconds, rate, patience, bytes };
  const given = Object.entries(figures).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return scene.children.start(scene.programs.load, [mode, ...given, ...credentials(on?.login ?? null)]);
}

function credentials(login: Login | null): string[] {
  if (login === null) return [];
  return [`login=${login.username}:${login.password}`, `basic=${basicOf(login)}`];
}

/** The credentials of Basic authentication: RFC 7617. */
export function basicOf({ username, password }: Login): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}
