import test, { type ExecutionContext } from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import type { AccessLine, Gateway } from '../support/gateway.ts';
import { checkHttp, checkLine, checkSocks, type Facts, factsOf, findLine } from './error-checks.ts';
import { askByHttp, askBySocks, type Cell, cells, type Question } from './error-clients.ts';
import { clientRows } from './error-rows-client.ts';
import { routeRows } from './error-rows-route.ts';
import type { ErrorTable, Scene } from './error-scene.ts';
import { startWorld, type World } from './error-world.ts';

// Every kind of the catalogue, by each way of asking: provoked through a running gateway with real peers, or with the reason why
// it cannot occur there.

const table: ErrorTable = { ...clientRows, ...routeRows };
const kinds = Object.keys(catalogue) as ErrorKind[];

let world: World;
test.before(async () => {
  world = await startWorld();
});
test.after.always(() => world?.stop());

test('the table has every kind of the catalogue and every cell, with scenes or a reason', (t) => {
  t.deepEqual(Object.keys(table).sort(), [...kinds].sort());
  for (const kind of kinds) {
    t.deepEqual(Object.keys(table[kind]).sort(), [...cells].sort());
    for (const cell of cells) t.true(table[kind][cell].length > 0, `${kind} × ${cell}`);
  }
});

for (const kind of kinds.filter((each) => each !== 'draining')) {
  for (const cell of cells) {
    const scenes = scenesOf(kind, cell);
    if (scenes.length === 0) continue;
    test.serial(`${kind} × ${cell}`, async (t) => {
      const played: Played[] = [];
      for (const scene of scenes) played.push(await play(t, { kind, cell, scene }));
      for (const each of played) await checkLog(t, each);
    });
  }
}

// The gateway ends with it, so it comes last, and in all cells at once.
test.serial('draining', async (t) => {
  const parts = cells.flatMap((cell) =>
    scenesOf('draining', cell).map((scene) => ({ kind: 'draining', cell, scene }) as const),
  );
  for (const each of await Promise.all(parts.map((part) => play(t, part)))) await checkLog(t, each);
  t.is(await world.stop(), 0);
});

function scenesOf(kind: ErrorKind, cell: Cell): readonly Scene[] {
  const scenes = table[kind][cell];
  return typeof scenes === 'string' ? [] : scenes;
}

/** A scene's facts, and which line of the access log is its own. */
interface Played {
  readonly gateway: Gateway;
  readonly facts: Facts;
  readonly isOwn: (line: AccessLine) => boolean;
}

async function play(t: ExecutionContext, part: { kind: ErrorKind; cell: Cell; scene: Scene }): Promise<Played> {
  const { kind, cell, scene } = part;
  const { origin } = world;
  const gateway = scene.hasty ? world.hasty : world.gateway;
  const facts = factsOf(kind, scene.expect);
  const usual: Question = {
    port: gateway.port(),
    source: nextSource(),
    login: gateway.login('tester', parametersOf(scene)),
    target: { host: '127.0.0.1', port: origin.port },
  };
  t.log(scene.title);
  try {
    await scene.prepare?.(world, usual, cell);
    const question = { ...usual, ...scene.ask?.(world, usual, cell) };
    if (cell === 'socks5') {
      checkSocks(t, facts, await askBySocks(question));
      return { gateway, facts, isOwn: (line) => line['source'] === usual.source && line['method'] === 'SOCKS5' };
    }
    const reply = await askByHttp(cell, question);
    checkHttp(t, facts, reply);
    const id = reply.fields.get('roundabout-request-id');
    return { gateway, facts, isOwn: (line) => line['source'] === usual.source && line['id'] === id };
  } finally {
    await scene.undo?.(world);
  }
}

async function checkLog(t: ExecutionContext, { gateway, facts, isOwn }: Played): Promise<void> {
  if (facts.logged) checkLine(t, facts, await findLine(gateway, isOwn));
}

function parametersOf({ pool = 'direct', parameters }: Scene): string {
  return parameters === undefined ? `pool-${pool}` : `pool-${pool}-${parameters}`;
}

let sources = 0;
/** Each question has a loopback address of its own: its line in the log shows by that, and its failed logins are its own. */
function nextSource(): string {
  sources++;
  return `127.1.${sources >> 8}.${sources & 0xff}`;
}
