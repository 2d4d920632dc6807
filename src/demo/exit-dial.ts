import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitCharacter } from './exit-character.ts';

/** Which exit a connection came from, by the port that it left from. All exits share one address (loopback has no second one
 *  everywhere) and one process with the origin, so that the port is known here before its first octet arrives there. */
export type Callers = Map<number, string>;

/** The credential of a demo exit. */
export interface ExitCredential {
  readonly username: string;
  readonly password: string;
}

/** What a demo exit of any kind is started with. */
export interface ExitSetting {
  readonly character: ExitCharacter;
  readonly credential: ExitCredential;
  readonly callers: Callers;
}

/** Waits the exit's latency, connects to the origin, and enters the connection in `callers` while it lasts. Rejects with the
 *  system's error. The socket has an error listener of its own: what ends it is seen by `close`. */
export async function dialOrigin(setting: ExitSetting, host: string, port: number): Promise<Socket> {
  const { character, callers } = setting;
  await sleep(character.latencyMs());
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    // After the connect a second settling of the promise does nothing.
    socket.on('error', reject);
    socket.once('connect', () => {
      const { localPort = 0 } = socket;
      callers.set(localPort, character.label);
      socket.once('close', () => callers.delete(localPort));
      resolve(socket);
    });
  });
}

/** Copies both ways until both sides have ended. */
export function join(client: Socket, origin: Socket): void {
  client.on('error', () => origin.destroy());
  client.once('close', () => origin.destroySoon());
  origin.once('close', () => client.destroySoon());
  client.pipe(origin).pipe(client);
}
