import { createServer } from 'node:http';
import test from 'ava';
import { forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';

// A site that refuses one client whatever exit it comes by, as it does where an account or some pages are closed.

for (const workers of [1, 2])
  test.serial(`what is closed to one client is open to another, over ${workers} workers`, async (t) => {
    const origin = await listen(
      createServer(({ url }, response) => void response.writeHead(url === '/closed' ? 403 : 200).end('page')),
    );
    t.teardown(origin.close);
    const exits = await Promise.all(Array.from({ length: 6 }, () => startHttpExit()));
    t.teardown(() => Promise.all(exits.map(({ close }) => close())));
    const gateway = await startGateway({
      config: { workers },
      clients: { refused: [], served: [] },
      pools: { six: { probe: { budget: 0 }, exits: exits.map(({ url }) => ({ url })) } },
    });
    t.teardown(gateway.stop);
    const ask = async (client: string, path: string, parameters = '') => {
      const login = gateway.login(client, parameters);
      return (await forwardVia(gateway.port(), `http://localhost:${origin.port}${path}`, { login })).status;
    };
    // Each exit is refused several times; where the client is held back, by the gateway's own word in time.
    for (const exit of exits)
      for (let i = 0; i < 4; i++) await ask('refused', '/closed', `timeout-1-exit-${await idOf(exit.url)}`);
    for (let i = 0; i < 20; i++) t.is(await ask('served', '/open', 'timeout-5'), 200, `page ${i}`);

    async function idOf(url: string): Promise<string> {
      const { stdout } = await gateway.command('exit', 'list', '--json');
      const port = new URL(url).port;
      return JSON.parse(stdout).find(({ endpoint }: { endpoint: string }) => endpoint.endsWith(`:${port}`)).id;
    }
  });
