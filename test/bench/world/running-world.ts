import { fork } from 'node:child_process';
import { once } from 'node:events';
import { testCertificate } from '../../support/certificate.ts';
import type { WorldSpec } from './spec.ts';
import type { Wish, WorldFigures } from './world.ts';
import type { WorldExit } from './world-exits.ts';

/** What the world's process is asked. */
export type WorldCall =
  | {
      readonly kind: 'start';
      readonly spec: WorldSpec;
      readonly seed: number;
      readonly runMs: number;
      readonly certificate: { readonly cert: string; readonly key: string };
    }
  | { readonly kind: 'begin' }
  | { readonly kind: 'cheapest'; readonly wish: Wish }
  | { readonly kind: 'figures' };

/** And what it answers, by the kind of the call. */
export interface WorldAnswer {
  readonly exits?: readonly WorldExit[];
  readonly exit?: number;
  readonly figures?: WorldFigures;
}

/** A world on loopback, in a process of its own. */
export interface RunningWorld {
  readonly exits: readonly WorldExit[];
  /** Its time begins now. */
  begin(): Promise<void>;
  /** World.cheapest, for this moment. */
  cheapest(wish: Wish): Promise<number>;
  figures(): Promise<WorldFigures>;
  /** Ends its process, and waits for that. */
  close(): Promise<void>;
}

/** Starts the exits and sites of a world; `runMs` is how long it will be played. Linux only: every exit has an address of its own
 *  in 127.0.0.0/8. Rejects where the process ends first. */
export async function startWorld(spec: WorldSpec, options: { seed: number; runMs: number }): Promise<RunningWorld> {
  const child = fork(new URL('./world-process.ts', import.meta.url), {
    env: {},
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A spec has limits of Infinity in it.
    serialization: 'advanced',
  });
  const ended = once(child, 'exit');
  const failed = ended.then(() => Promise.reject(new Error('the world ended')));
  failed.catch(() => {});
  const waiting = new Map<number, (answer: WorldAnswer) => void>();
  child.on('message', ({ id, answer }: { id: number; answer: WorldAnswer }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  let calls = 0;
  const ask = (call: WorldCall): Promise<WorldAnswer> => {
    const id = calls++;
    const answered = new Promise<WorldAnswer>((resolve) => waiting.set(id, resolve));
    child.send({ id, call });
    return Promise.race([answered, failed]);
  };
  const { cert, key } = await testCertificate();
  const { exits = [] } = await ask({ kind: 'start', spec, ...options, certificate: { cert, key } });
  return {
    exits,
    begin: async () => void (await ask({ kind: 'begin' })),
    cheapest: async (wish) => (await ask({ kind: 'cheapest', wish })).exit ?? -1,
    figures: async () => {
      const { figures } = await ask({ kind: 'figures' });
      if (figures === undefined) throw new Error('the world has no figures');
      return figures;
    },
    close: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
