// Preloaded into a gateway under test: at SIGUSR2 one of its workers ends at once, wherever it is, each time another one.

import { BroadcastChannel, isMainThread, threadId, workerData } from 'node:worker_threads';

const channel = new BroadcastChannel('mortal workers');
// It keeps no thread alive.
channel.unref();

if (isMainThread) {
  const known = new Set<number>();
  channel.onmessage = ({ data }: { data: unknown }) => void known.add(Number(data));
  process.on('SIGUSR2', () => {
    const [victim] = known;
    if (victim === undefined) return;
    known.delete(victim);
    channel.postMessage({ victim });
  });
} else if (typeof Object(workerData).worker === 'number') {
  // One of those that carry traffic: others have no such number.
  channel.onmessage = ({ data }: { data: unknown }) => {
    const { victim } = Object(data) as { victim?: number };
    if (victim === threadId) process.exit(1);
  };
  channel.postMessage(threadId);
}
