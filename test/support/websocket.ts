import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const close = 0x8;
const ping = 0x9;
const pong = 0xa;

/** Accepts an upgrade and echoes each message, pings and close included (RFC 6455 §4.2.2, §5). Frames of up to 64 KiB. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, early: Buffer): void {
  socket.on('error', () => {});
  const key = request.headers['sec-websocket-key'];
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
  );
  let held = early;
  const onData = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (let frame = decodeFrame(held); frame !== null; frame = decodeFrame(held)) {
      held = held.subarray(frame.size);
      socket.write(encodeFrame(frame.opcode === ping ? pong : frame.opcode, frame.payload));
      if (frame.opcode === close) socket.end();
    }
  };
  onData(Buffer.alloc(0));
  socket.on('data', onData);
  socket.on('end', () => socket.end());
}

/** The proof of RFC 6455 §4.2.2 that the key was read. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** One final frame. With `mask` as clients must send it. */
export function encodeFrame(opcode: number, payload: Buffer, mask?: Buffer): Buffer {
  const masked = mask === undefined ? 0 : 0x80;
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, masked | payload.length])
      : Buffer.from([0x80 | opcode, masked | 126, payload.length >> 8, payload.length & 0xff]);
  if (mask === undefined) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, unmasked(payload, mask)]);
}

/** The first frame of `octets`, unmasked, with its size on the wire; null while it is not whole. */
export function decodeFrame(octets: Buffer): { opcode: number; payload: Buffer; size: number } | null {
  if (octets.length < 2) return null;
  const [first, second] = [octets[0]!, octets[1]!];
  let at = 2;
  let length = second & 0x7f;
  if (length === 126) {
    if (octets.length < 4) return null;
    length = octets.readUInt16BE(2);
    at = 4;
  }
  const maskEnd = second & 0x80 ? at + 4 : at;
  if (octets.length < maskEnd + length) return null;
  const payload = octets.subarray(maskEnd, maskEnd + length);
  const mask = octets.subarray(at, maskEnd);
  return { opcode: first & 0x0f, payload: unmasked(payload, mask), size: maskEnd + length };
}

function unmasked(payload: Buffer, mask: Buffer): Buffer {
  if (mask.length === 0) return payload;
  return Buffer.from(payload.map((octet, i) => octet ^ mask[i % 4]!));
}
