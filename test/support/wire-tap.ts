import { connect, createServer, type Socket } from 'node:net';
import { listen, type Peer } from './peers.ts';

/** Stands before an exit and counts what passes on TCP, as a vendor would. */
export interface WireTap extends Peer {
  /** Octets that came from the gateway, and that were written to it, over all connections, or those that were to be cut, or not. */
  counts(cut?: boolean): { readonly sent: number; readonly received: number; readonly connections: number };
  /** Connections that stand. */
  open(): number;
}

/** A tap before the exit at `port`. With `cutAfter` every connection is reset once so many octets were written to the gateway. */
export async function startWireTap(
  port: number,
  { cutAfter }: { cutAfter?: (connection: number) => number } = {},
): Promise<WireTap> {
  const accepted: { readonly near: Socket; readonly cut: boolean }[] = [];
  // What is counted as written has left when the connection is reset.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const left = { octets: cutAfter?.(accepted.length) ?? Number.POSITIVE_INFINITY };
    accepted.push({ near, cut: left.octets < Number.POSITIVE_INFINITY });
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('close', () => near.destroySoon());
    near.on('data', (chunk) => void far.write(chunk)).on('end', () => far.end());
    far.on('end', () => near.end());
    far.on('data', (chunk: Buffer) => {
      if (chunk.length < left.octets) {
        left.octets -= chunk.length;
        near.write(chunk);
        return;
      }
      far.destroy();
      near.write(chunk.subarray(0, left.octets), () => near.resetAndDestroy());
      left.octets = Number.POSITIVE_INFINITY;
    });
  });
  const peer = await listen(server);
  return {
    ...peer,
    open: () => accepted.filter(({ near }) => !near.destroyed).length,
    counts: (cut) => {
      const some = accepted.filter((one) => cut === undefined || one.cut === cut).map(({ near }) => near);
      return {
        sent: some.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
        received: some.reduce((sum, { bytesWritten }) => sum + (bytesWritten ?? 0), 0),
        connections: some.length,
      };
    },
  };
}
