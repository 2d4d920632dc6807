import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { startGateway } from '../support/gateway.ts';

test('beside a running gateway, the command line works on it', async (t) => {
  const gateway = await startGateway({ pools: { res: { exits: [{ url: 'http://192.0.2.1:8080', country: 'de' }] } } });
  try {
    t.is(statSync(join(gateway.folder, 'data', 'roundabout.sock')).mode & 0o777, 0o600);
    const health = await gateway.command('health', '--json');
    t.is(health.code, 0, health.stderr);
    t.like(JSON.parse(health.stdout), {
      status: 'ok',
      pid: gateway.pid,
      pools: [{ name: 'res', exits: 1, usable: 1 }],
      store: 'ok',
    });
    const exits = await gateway.command('exit', 'list');
    t.is(exits.stderr, '');
    t.regex(exits.stdout, / de +http:\/\/192\.0\.2\.1:8080 +- +- +- +0 +0 +0 +ok +-\n$/);

    const asked = await fetch(`http://127.0.0.1:${gateway.port('admin')}/readyz`);
    t.is(asked.status, 200);
    const added = await gateway.command('client', 'add', 'acme', '--pool', 'res', '--json');
    t.regex(JSON.parse(added.stdout).secret, /^[A-Za-z0-9]{26}$/);
    t.is((await gateway.command('client', 'add', 'acme')).code, 4);
    t.is((await gateway.command('client', 'show', 'nobody')).code, 3);
  } finally {
    t.is(await gateway.stop(), 0);
  }
});
