/** Adds clients to a store, and tells each on stdout once it was acknowledged: `adding-process.ts FOLDER PREFIX COUNT`. */
import { writeSync } from 'node:fs';
import { Clients } from '../../src/store/clients.ts';
import { openStore } from '../../src/store/database.ts';
import { loadSecretKey } from '../../src/store/secret-key.ts';

const [folder = '', prefix = '', count = '0'] = process.argv.slice(2);
const store = openStore(folder, { now: Date.now, busyTimeoutMs: 30_000 });
const clients = new Clients(store, loadSecretKey(folder));
for (let i = 0; i < Number(count); i++) {
  clients.addClient({ name: `${prefix}${i}` });
  writeSync(1, `${prefix}${i}\n`);
}
store.close();
