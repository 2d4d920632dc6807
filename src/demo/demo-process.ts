import { randomBytes } from 'node:crypto';
import type { DemoExit, DemoOrder, DemoReport } from './demo.ts';
import { drawCharacter, seededRandom } from './exit-character.ts';
import { type Callers, characterDial, type ExitSetting } from './exit-dial.ts';
import { startHttpExit } from './http-exit.ts';
import { startDemoOrigins } from './origin.ts';
import { startSocksExit } from './socks-exit.ts';

type Kind = 'http' | 'https' | 'socks5';

/** Starts everything that `order` asks for, and says where it is. */
async function serve(order: DemoOrder): Promise<DemoReport> {
  const { certificate } = order;
  const random = seededRandom(order.seed);
  const callers: Callers = new Map();
  const kinds = (['http', 'https', 'socks5'] as const).flatMap((kind) => Array<Kind>(order[kind]).fill(kind));

  const startExit = async (kind: Kind, number: number): Promise<DemoExit> => {
    const character = drawCharacter(kind, number, seededRandom(Math.floor(random() * 2 ** 32)));
    const credential = { username: 'exit', password: randomBytes(16).toString('hex') };
    const setting: ExitSetting = { credential, host: '127.0.0.1', dial: characterDial(character, callers) };
    const port = await (kind === 'socks5'
      ? startSocksExit(setting)
      : startHttpExit(setting, kind === 'https' ? certificate : undefined));
    const url = `${kind}://${credential.username}:${credential.password}@127.0.0.1:${port}`;
    return { url, country: character.country, label: character.label };
  };

  const [origins, exits] = await Promise.all([
    startDemoOrigins(callers, certificate),
    Promise.all(kinds.map(startExit)),
  ]);
  return { exits, origins };
}

// The process lives as long as the gateway holds the channel. It stays through the signals of a terminal, which reach both: the
// gateway drains over these exits.
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.once('message', async (order: DemoOrder) => process.send?.(await serve(order)));
