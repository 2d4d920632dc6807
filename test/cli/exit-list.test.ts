import test from 'ava';
import { startGateway } from '../support/gateway.ts';

test('exits are listed as JSON however many there are, with a gateway and without one', async (t) => {
  const lines = Array.from({ length: 25_000 }, (_, i) => `http://10.0.${i >> 8}.${i & 255}:8080\n`).join('');
  const gateway = await startGateway({
    pools: { p: { exits: [{ list: 'list.txt' }] } },
    files: { 'list.txt': lines },
  });
  try {
    const listed = async (...more: string[]) => {
      const { code, stdout, stderr } = await gateway.command('exit', 'list', '--json', ...more);
      t.is(code, 0, stderr);
      return { exits: JSON.parse(stdout) as { id: string; endpoint: string }[], stderr };
    };
    const all = await listed();
    t.is(all.stderr, '');
    t.is(new Set(all.exits.map(({ endpoint }) => endpoint)).size, 25_000);
    const [first] = all.exits;
    t.deepEqual(
      (await listed('--limit', '12001')).exits.map(({ id }) => id),
      all.exits.slice(0, 12_001).map(({ id }) => id),
    );
    t.is((await listed('--sort', 'latency', '--pool', 'P')).exits.length, 25_000);
    t.deepEqual((await listed('--country', 'de')).exits, []);
    const few = await listed('--limit', '1');
    t.is(few.exits[0]?.id, first?.id);
    t.is(few.stderr, '24999 more of 25000 exits are not shown\n');
    const table = await gateway.command('exit', 'list');
    t.is(table.stdout.trimEnd().split('\n').length, 10_001);
    t.is((await gateway.command('exit', 'list', '--limit', '10001')).code, 2);
    t.is((await gateway.command('exit', 'list', '--json', '--pool', 'nope')).code, 3);
    await gateway.kill({ keepFolder: true });
    const alone = await listed();
    t.is(new Set(alone.exits.map(({ id }) => id)).size, 25_000);
    t.regex(alone.stderr, /no gateway runs/);
  } finally {
    await gateway.stop();
  }
});
