import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitCharacter, ExitFailure } from './exit-character.ts';

/** Which exit a connection came from, by the port that it left from. All exits share one address (loopback has no second one
 *  everywhere) and one process with the origin, so that the port is known here before its first octet arrives there. */
export type Callers = Map<number, string>;

/** The credential of a demo exit. */
export interface ExitCredential {
  readonly username: string;
  readonly password: string;
}

/** What a client of an exit wants to reach. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** The request can't be repeated: an exit that plays a failure spares it. */
  readonly spared: boolean;
}

/** What a demo exit of any kind is started with. */
export interface ExitSetting {
  readonly credential: ExitCredential;
  /** The loopback address that it listens at. */
  readonly host: string;
  /** A connection to the origin, after the exit's latency. Rejects with the system's error where the origin can't be reached, and
   *  with ExitTrouble where the exit itself fails. What ends the socket later is heard here, and seen by `close`. */
  dial(target: DialTarget): Promise<Socket>;
}

/** The failure of an exit, as its character has it. */
export class ExitTrouble extends Error {
  readonly how: ExitFailure;

  constructor(how: ExitFailure) {
    super(`the exit fails: ${how}`);
    this.how = how;
  }
}

/** The `dial` of an exit with that character: it fails, or waits its latency, connects, and enters the connection in `callers`
 *  while it lasts. */
export function characterDial(character: ExitCharacter, callers: Callers): ExitSetting['dial'] {
  return async ({ host, port, spared }) => {
    const failure = spared ? null : character.failure();
    if (failure !== null) throw new ExitTrouble(failure);
    await sleep(character.latencyMs());
    const socket = await openConnection({ host, port });
    const { localPort = 0 } = socket;
    callers.set(localPort, character.label);
    socket.once('close', () => callers.delete(localPort));
    return socket;
  };
}

/** Connects, from `localAddress` where given. Rejects with the system's error. */
export function openConnection(to: { host: string; port: number; localAddress?: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true });
    // After the connect a second settling of the promise does nothing.
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

/** Copies both ways until both sides have ended. */
export function join(client: Socket, origin: Socket): void {
  client.on('error', () => origin.destroy());
  client.once('close', () => origin.destroySoon());
  origin.once('close', () => client.destroySoon());
  client.pipe(origin).pipe(client);
}
