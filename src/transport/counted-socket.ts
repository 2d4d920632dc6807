import { Socket, type SocketConstructorOpts } from 'node:net';
import { descriptorOf } from './descriptor.ts';

/** Tells how many octets the connection of a descriptor has brought that nobody has read. */
export type UnreadOf = (descriptor: number) => number;

/** A socket of Node's under TLS that tells what its peer has sent and nobody has read: whether there is any, and how much it was once it
 *  is destroyed. */
export class CountedSocket extends Socket {
  readonly #unreadOf: UnreadOf | undefined;
  /** See Socket of socket.ts. */
  unread = 0;

  constructor({ unreadOf, ...options }: SocketConstructorOpts & { readonly unreadOf: UnreadOf | undefined }) {
    super(options);
    this.#unreadOf = unreadOf;
  }

  /** See Socket of socket.ts. Of an end the next write tells. */
  hasNews(): boolean {
    return this.#countUnread() > 0;
  }

  #countUnread(): number {
    return this.#unreadOf?.(descriptorOf(this)) ?? 0;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.unread = this.#countUnread();
    super._destroy(error, callback);
  }
}
