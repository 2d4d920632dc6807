import { usageOf } from '../process-tree.ts';
import type { Scene } from '../scene.ts';
import { startTlsClients, type TlsTarget, withTlsPair } from '../tls-pair.ts';
import { alternate, type Row } from './row.ts';

/** Connections that bring octets at once. */
const connections = 4;
const connectBoundMs = 10_000;

/** Bytes that leave through a TLS listener, beside a bare pipe in Node. */
export const tlsBulkRow: Row = (scene) =>
  withTlsPair(scene, async (pair) => {
    const { rounds, seconds } = scene.sizes;
    for (const one of pair) await costOf(scene, one, seconds);
    const series = await alternate(pair, rounds, async (one) => ({ cost: await costOf(scene, one, seconds) }));
    return [
      {
        row: 'tls-bulk',
        title: 'Bytes through four connections to a TLS listener: CPU',
        unit: 's per GB',
        series: series('cost'),
        goals: [{ peer: 'gateway', over: 'bare pipe', atMost: 1.1 }],
        notes: [
          'bare pipe: tls.createServer and net.connect, piped, in Node: straight to the origin, no login, no log',
        ],
      },
    ];
  });

/** Seconds of CPU for a GB. */
async function costOf(scene: Scene, on: TlsTarget, seconds: number): Promise<number | null> {
  const ask = 'GET /bulk HTTP/1.1\r\nHost: bench\r\n\r\n';
  const clients = await startTlsClients(scene, on, { count: connections, seconds, ask });
  try {
    await clients.line(connectBoundMs);
    const before = usageOf(on.pid).cpuSeconds;
    const { bytes }: { bytes: number } = JSON.parse(await clients.line((seconds + 10) * 1_000));
    return bytes === 0 ? null : (usageOf(on.pid).cpuSeconds - before) / (bytes / 1e9);
  } finally {
    await clients.stop();
  }
}
