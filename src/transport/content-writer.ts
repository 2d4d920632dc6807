import type { Socket } from 'node:net';
import type { Fields } from '../protocol/fields.ts';
import { chunkHead, lastChunk } from '../protocol/http-content.ts';
import type { Framing } from '../protocol/http-message.ts';

/** Writes content octets to `socket` as `framing` asks. False asks the caller to wait for `drain`. */
export function writeContent(socket: Socket, framing: Framing, octets: Buffer): boolean {
  if (framing.type !== 'chunked') return socket.write(octets);
  // One writev for the three parts of a chunk.
  socket.cork();
  socket.write(chunkHead(octets.length), 'latin1');
  socket.write(octets);
  const flowing = socket.write('\r\n', 'latin1');
  socket.uncork();
  return flowing;
}

/** Writes what ends the content: for chunked coding the last chunk with its trailers, otherwise nothing. */
export function endContent(socket: Socket, framing: Framing, trailers: Fields): void {
  if (framing.type === 'chunked') socket.write(lastChunk(trailers), 'latin1');
}
