import { createServer } from 'node:net';
import { listen } from './peers.ts';

/** Above those that the system gives to whoever asks for any: nobody takes one of them before it is used. */
const [first, count] = [61_000, 4_000];
let next = (process.pid * 16) % count;

/** A port of 127.0.0.1 that is free, for programs that can't choose one by themselves. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + (next++ % count);
    const peer = await listen(createServer(), '127.0.0.1', port).catch(() => null);
    if (peer === null) continue;
    await peer.close();
    return port;
  }
}
