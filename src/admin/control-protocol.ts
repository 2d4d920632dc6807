import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { CommandFault } from './command-error.ts';

/** Control protocol: a Unix socket, one request and one reply per connection, each a line of JSON. */
export interface ControlRequest {
  readonly command: string;
  readonly args: unknown;
}

export type ControlReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: CommandFault };

/** Octets of a request line, and of a reply line: a list of all exits is long. */
export const REQUEST_LIMIT = 1024 * 1024;
export const REPLY_LIMIT = 256 * 1024 * 1024;

/** One connection may take so long, in ms. */
export const CONTROL_DEADLINE_MS = 10_000;

/** The control socket of the gateway that uses a data folder. */
export function controlPath(dataFolder: string): string {
  return join(dataFolder, 'roundabout.sock');
}

/** Gathers the octets of one line. */
export class LineBuffer {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The line without its end, once it is whole; null until then. What follows the line is left out. */
  push(chunk: Buffer): string | null {
    const end = chunk.indexOf(0x0a);
    const part = end < 0 ? chunk : chunk.subarray(0, end);
    this.#size += part.length;
    if (!this.overflowed) this.#chunks.push(part);
    return end < 0 || this.overflowed ? null : Buffer.concat(this.#chunks).toString('utf8');
  }

  /** Whether the line is longer than the limit: it will never be whole. */
  get overflowed(): boolean {
    return this.#size > this.#limit;
  }
}
