import { Buffer } from 'node:buffer';
import type { Fields } from '../protocol/fields.ts';
import { chunkHead, lastChunk } from '../protocol/http-content.ts';
import type { Framing } from '../protocol/http-message.ts';
import type { Socket } from './socket.ts';

/** Content up to this size is copied behind its head, so that both leave in one write: cheaper than writev. */
const COPIED_BYTES = 16 * 1024;

/** Writes content octets to `socket` as `framing` asks. False asks the caller to wait for `drain`. */
export function writeContent(socket: Socket, framing: Framing, octets: Buffer): boolean {
  if (framing.type !== 'chunked') return socket.write(octets);
  if (octets.length <= COPIED_BYTES) return writeHeadWith(socket, '', { framing, octets });
  // One writev for the three parts of a chunk.
  socket.cork();
  socket.write(chunkHead(octets.length), 'latin1');
  socket.write(octets);
  const flowing = socket.write('\r\n', 'latin1');
  socket.uncork();
  return flowing;
}

/** Writes a message's head and its first content octets together. False asks the caller to wait for `drain`. */
export function writeHeadWith(
  socket: Socket,
  head: string,
  { framing, octets }: { framing: Framing; octets: Buffer },
): boolean {
  const chunked = framing.type === 'chunked';
  const before = chunked ? head + chunkHead(octets.length) : head;
  if (octets.length > COPIED_BYTES) {
    socket.write(head, 'latin1');
    return writeContent(socket, framing, octets);
  }
  const message = Buffer.allocUnsafe(before.length + octets.length + (chunked ? 2 : 0));
  message.write(before, 0, 'latin1');
  octets.copy(message, before.length);
  if (chunked) message.write('\r\n', before.length + octets.length, 'latin1');
  return socket.write(message);
}

/** Writes what ends the content: for chunked coding the last chunk with its trailers, otherwise nothing. */
export function endContent(socket: Socket, framing: Framing, trailers: Fields): void {
  if (framing.type === 'chunked') socket.write(lastChunk(trailers), 'latin1');
}
