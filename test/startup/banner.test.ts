import test from 'ava';
import { bannerLines } from '../../src/startup/banner.ts';

test('a pool of one exit has one', (t) => {
  const lines = bannerLines({
    version: '0.0.0',
    pid: 1,
    listeners: [],
    admin: { host: '127.0.0.1', port: 1 },
    pools: ['one', 'two'].map((name, i) => ({ name, tier: 'dc', exits: i + 1 })),
    relay: { kind: 'typescript', why: 'no addon' },
    demo: null,
    demoSecret: null,
    certificate: '',
  });
  t.deepEqual(lines.slice(-2), ['  pool     one      1 exit, tier dc', '  pool     two      2 exits, tier dc']);
});
