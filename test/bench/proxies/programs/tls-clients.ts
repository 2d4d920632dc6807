/** Clients of a TLS listener: each opens a connection and, where there is something to say, says it and waits for a 200.
 *
 *    tls-clients.ts PORT COUNT SECONDS
 *
 *  Its first line of standard input is {"tunnel":TEXT,"ask":TEXT}. Without `ask` they hold their connections until standard input
 *  ends. Says {"held":N} when all are up, and in the end {"bytes":N,"seconds":N}. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect, type TLSSocket } from 'node:tls';

const [port = 0, count = 0, seconds = 0] = process.argv.slice(2).map(Number);
/** Connections that are opened at once. */
const opening = 32;

const input = createInterface({ input: process.stdin });
const [line]: string[] = await once(input, 'line');
const { tunnel, ask }: { tunnel: string; ask: string } = JSON.parse(line ?? '');

async function open(): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.setNoDelay();
  if (tunnel === '') return socket;
  socket.write(tunnel);
  const [reply]: Buffer[] = await once(socket, 'data');
  if (!/^HTTP\/1\.1 200 /.test(`${reply}`)) throw new Error(`${reply}`.slice(0, 200));
  return socket;
}

const sockets: TLSSocket[] = [];
while (sockets.length < count) {
  const missing = Math.min(opening, count - sockets.length);
  sockets.push(...(await Promise.all(Array.from({ length: missing }, open))));
}
let bytes = 0;
for (const socket of sockets) {
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
}
console.log(JSON.stringify({ held: sockets.length }));
if (ask === '') await once(input, 'close');
else {
  const begun = performance.now();
  for (const socket of sockets) socket.write(ask);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  console.log(JSON.stringify({ bytes, seconds: (performance.now() - begun) / 1_000 }));
}
process.exit();
