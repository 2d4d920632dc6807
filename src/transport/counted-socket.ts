import { Socket, type SocketConstructorOpts } from 'node:net';
import { descriptorOf } from './descriptor.ts';

/** Tells how many octets the connection of a descriptor has brought that nobody has read. */
export type UnreadOf = (descriptor: number) => number;

/** A socket of Node's under TLS that tells, once it is destroyed, what its peer had sent and nobody has read. */
export class CountedSocket extends Socket {
  readonly #unreadOf: UnreadOf | undefined;
  /** See Socket of socket.ts. */
  unread = 0;

  constructor({ unreadOf, ...options }: SocketConstructorOpts & { readonly unreadOf: UnreadOf | undefined }) {
    super(options);
    this.#unreadOf = unreadOf;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.unread = this.#unreadOf?.(descriptorOf(this)) ?? 0;
    super._destroy(error, callback);
  }
}
