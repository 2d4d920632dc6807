import { join } from 'node:path';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

// As another version may have stored them.
for (const kind of ['limits', 'quotas'] as const)
  test(`a client whose ${kind} can’t be read is refused everything, in so many words`, async (t) => {
    const origin = await startOrigin();
    t.teardown(origin.close);
    const gateway = await startGateway({
      config: { workers: 1 },
      clients: { acme: ['--limit', 'exchanges=5', '--quota', 'bytes=1GB/day'] },
      pools: { direct: { exits: [{ direct: true }] } },
    });
    t.teardown(() => gateway.stop());
    const login = gateway.login('acme');
    const url = `http://127.0.0.1:${origin.port}/`;
    const get = (target: string) => forwardVia(gateway.port(), target, { login });
    t.is((await get(url)).status, 200);

    const store = new Sqlite(join(gateway.folder, 'data', 'roundabout.db'));
    store.prepare(`UPDATE client SET ${kind} = '["what=ever"]' WHERE name = 'acme'`).run();
    store.close();
    await until(async () => (await get(url)).status === 500, 'taken up');
    for (const target of [url, 'http://roundabout.internal/echo']) {
      const { status, content } = await get(target);
      t.is(status, 500, target);
      t.regex(content.toString(), new RegExp(`in the client's ${kind}: a part is none of`));
    }
    const tunnel = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login });
    tunnel.socket.destroy();
    t.is(tunnel.status, 500);
    t.is((await get('http://roundabout.internal/none')).status, 404);
    const shown = await gateway.command('client', 'show', 'acme', '--json');
    t.is(shown.code, 0, shown.stderr);
    t.is((await gateway.command('quota', 'list', '--json')).code, 0);
    t.false(gateway.output().includes('exchange ?'));
  });
