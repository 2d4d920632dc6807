import { Buffer } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import type { Decoded } from '../protocol/decoded.ts';
import type { Cutoff } from './cutoff.ts';
import type { OctetStream } from './socket.ts';

const NOTHING = Buffer.alloc(0);

/** A talk with an exit, in turns, before its socket becomes a tunnel. Between the turns no listener of ours is on the socket,
 *  and it is paused. */
export class Handshake {
  readonly #socket: OctetStream;
  readonly #cutoff: Cutoff;
  #rest: Buffer = NOTHING;

  constructor(socket: OctetStream, cutoff: Cutoff) {
    this.#socket = socket;
    this.#cutoff = cutoff;
  }

  /** Octets read behind the last answer. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** Whether the peer has said that nothing more comes. */
  get peerEnded(): boolean {
    return this.#socket.readableEnded;
  }

  send(octets: Buffer | string): void {
    this.#socket.write(octets, 'latin1');
  }

  /** The next value that `push`, a decoder, makes of what the exit sends. Rejects with exit_rejected where it is no such value,
   *  exit_failed where the exit closes or resets before it is whole, exit_timeout where it doesn't come in time. */
  receive<T>(push: (chunk: Buffer) => Decoded<T>): Promise<T> {
    const socket = this.#socket;
    return this.#cutoff.wait(silence, (resolve, reject) => {
      const take = (chunk: Buffer): void => {
        const result = push(chunk);
        if (result.state === 'more') return;
        if (result.state === 'error') {
          reject(new GatewayError('exit_rejected', { detail: `the exit's answer is refused: ${result.fault.detail}` }));
          return;
        }
        this.#rest = result.rest;
        resolve(result.value);
      };
      // `close` follows every `error`, which the socket keeps.
      const lost = (): void => {
        const cause = socket.errored ?? undefined;
        reject(new GatewayError('exit_failed', { detail: 'the exit closed the connection in the handshake', cause }));
      };

      const held = this.#rest;
      this.#rest = NOTHING;
      if (held.length > 0) take(held);
      if (socket.destroyed || socket.readableEnded) lost();
      socket.on('data', take).on('end', lost).on('close', lost).resume();
      return () => {
        socket.off('data', take).off('end', lost).off('close', lost).pause();
      };
    });
  }
}

const silence = (): GatewayError =>
  new GatewayError('exit_timeout', { detail: 'the exit did not answer the handshake in time' });
