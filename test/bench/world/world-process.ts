import { performance } from 'node:perf_hooks';
import { startOrigin } from './origin.ts';
import type { WorldAnswer, WorldCall } from './running-world.ts';
import { World } from './world.ts';
import { startExits } from './world-exits.ts';

/** Lives as long as its parent holds the channel. */
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {});

let world: World | null = null;
let beganAt = performance.now();
const now = () => performance.now() - beganAt;

process.on('message', async ({ id, call }: { id: number; call: WorldCall }) => {
  process.send?.({ id, answer: await answer(call) });
});

async function answer(call: WorldCall): Promise<WorldAnswer> {
  if (call.kind === 'start') {
    world = new World(call.spec, call);
    const ports = await startOrigin(world, { certificate: call.certificate, now });
    return { exits: await startExits(world, { ports, now }) };
  }
  if (world === null) throw new Error('the world was not started');
  if (call.kind === 'begin') beganAt = performance.now();
  if (call.kind === 'cheapest') return { exit: world.cheapest(call.wish, now()) };
  return { figures: world.figures() };
}
