import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExitSetting, ExitTrouble, openConnection } from '../../../src/demo/exit-dial.ts';
import { startHttpExit } from '../../../src/demo/http-exit.ts';
import { startSocksExit } from '../../../src/demo/socks-exit.ts';
import type { ExitTruth } from './exit-truth.ts';
import { addressOfExit } from './names.ts';
import type { OriginPorts } from './origin.ts';
import type { World } from './world.ts';

/** An exit that listens. */
export interface WorldExit {
  readonly number: number;
  readonly url: string;
  readonly country: string;
  readonly provider: string;
}

/** Every third exit speaks SOCKS5, the others HTTP. */
const socksEvery = 3;

/** Lets every exit of `world` listen at its own address: the demo pool's exits, with the world's characters. They lead every name
 *  to the world's origin. `now` is ms since the world began. */
export async function startExits(
  world: World,
  { ports, now }: { ports: OriginPorts; now: () => number },
): Promise<WorldExit[]> {
  const { countries, providers } = world.spec;
  return Promise.all(
    world.exits.map(async (exit): Promise<WorldExit> => {
      const host = addressOfExit(exit.number);
      const credential = { username: 'exit', password: randomBytes(8).toString('hex') };
      const setting: ExitSetting = { credential, host, dial: dialAs(exit, { ports, now }) };
      const isSocks = exit.number % socksEvery === 0;
      const port = await (isSocks ? startSocksExit(setting) : startHttpExit(setting));
      const url = `${isSocks ? 'socks5' : 'http'}://exit:${credential.password}@${host}:${port}`;
      return {
        number: exit.number,
        url,
        country: countries[exit.country]?.code ?? '',
        provider: providers[exit.provider]?.name ?? '',
      };
    }),
  );
}

function dialAs(exit: ExitTruth, { ports, now }: { ports: OriginPorts; now: () => number }): ExitSetting['dial'] {
  return async ({ port }) => {
    const { kind, ms } = exit.begin(now());
    try {
      await sleep(ms);
      if (kind === 'silence') throw new ExitTrouble('reset');
      if (kind === 'unavailable' || kind === 'reset') throw new ExitTrouble(kind);
      const asked = port === 443 ? ports.https : ports.http;
      const socket = await openConnection({
        host: '127.0.0.1',
        port: kind === 'garbage' ? ports.garbage : asked,
        localAddress: addressOfExit(exit.number),
      });
      socket.once('close', () => exit.end());
      return socket;
    } catch (cause) {
      exit.end();
      throw cause;
    }
  };
}
