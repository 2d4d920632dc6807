/** What each file of tests runs with. Compiled code is kept, as the program keeps its own: a file that has not changed is compiled
 *  once. And a file whose tests are over ends: whatever it has left open fails it by name. */

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { registerCompletionHandler } from 'ava';

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/roundabout', import.meta.url)));

/** What ends by itself has ended by then, on a busy machine too. */
const LEAVE_MS = 60_000;

registerCompletionHandler(() => {
  // Node itself may go round for ever behind this, for the end of a request of a socket that was destroyed: nothing is left to wait for.
  process.once('beforeExit', () => process.exit());
  setTimeout(() => {
    process.stderr.write(`left open when all tests were over: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, LEAVE_MS).unref();
});
