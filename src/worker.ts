import { parentPort, workerData } from 'node:worker_threads';
import { WorkerSide } from './data-plane/worker-side.ts';
import type { ToWorker, WorkerStart } from './threads/worker-messages.ts';

/** The entry of a data-plane thread: carries traffic, and does what the control thread asks. It is started by WorkerThread. */
function serve(start: WorkerStart): void {
  if (parentPort === null) throw new Error('this is no program of its own: see "roundabout start"');
  const port = parentPort;
  const side = new WorkerSide(start, (message, moved = []) => port.postMessage(message, moved));
  port.on('message', (message: ToWorker) => void side.receive(message));
  // Exchanges share nothing that a fault in one of them could leave half-done, so one message must not end all others.
  const survive = (fault: unknown): void => side.tellFault('?', fault);
  process.on('uncaughtException', survive).on('unhandledRejection', survive);
}

serve(workerData);
