import test from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';

const load = (yaml: string) => loadConfig('f.yaml', { env: {}, readText: () => yaml });

function configOf(yaml: string) {
  const result = load(yaml);
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  return result.config;
}

function faultsOf(yaml: string): string[] {
  const result = load(yaml);
  return result.ok ? [] : result.faults.map(formatFault);
}

test('signals are on, and nothing is blocked or guarded, unless told', (t) => {
  const { signals, blocks, guards, limits } = configOf('');
  t.deepEqual({ signals, blocks, guards }, { signals: 'on', blocks: [], guards: [] });
  t.deepEqual(limits.reports, { perClient: 6_000, windowMs: 60_000 });
});

test('a block rule is read', (t) => {
  const { blocks } = configOf(`blocks:
  - { site: Shop.Example, status: [403, 429], field: { name: X-Guard, contains: STOP }, body: Robot?, verdict: refused }
  - { name: maze, body: [a, b], upTo: 4KiB, redirect: captcha.example, verdict: challenge }
`);
  t.deepEqual(blocks, [
    {
      site: 'shop.example',
      status: [403, 429],
      field: { name: 'x-guard', contains: 'stop' },
      body: ['Robot?'],
      verdict: 'refused',
    },
    { name: 'maze', body: ['a', 'b'], upTo: 4096, redirect: 'captcha.example', verdict: 'challenge' },
  ]);
});

test('a guard is read', (t) => {
  const { guards } = configOf(
    'guards: [{ site: shop.example, reuseAfter: 10m, sessionsPerExit: 1 }, { clientsPerExit: 2 }]',
  );
  t.deepEqual(guards, [
    { site: 'shop.example', reuseAfterMs: 600_000, clientsPerExit: 0, sessionsPerExit: 1, forgetAfterMs: 86_400_000 },
    { site: null, reuseAfterMs: 0, clientsPerExit: 2, sessionsPerExit: 0, forgetAfterMs: 86_400_000 },
  ]);
});

test('what a rule can’t mean is a fault with its place', (t) => {
  t.deepEqual(faultsOf('blocks: [{ verdict: refused }]'), [
    'f.yaml:1:10 blocks[0] expected at least one of site, status, field, body, redirect',
  ]);
  t.deepEqual(faultsOf('blocks: [{ status: [99], verdict: maybe }]'), [
    'f.yaml:1:21 blocks[0].status[0] expected a whole number from 200 to 599',
    'f.yaml:1:35 blocks[0].verdict expected one of served, refused, challenge',
  ]);
  t.deepEqual(faultsOf('blocks: [{ site: a.example, boddy: x, verdict: refused }]'), [
    'f.yaml:1:29 blocks[0].boddy unknown key: did you mean "body"?',
  ]);
  t.deepEqual(faultsOf('guards: [{ site: a.example }]'), [
    'f.yaml:1:10 guards[0] expected at least one of reuseAfter, clientsPerExit, sessionsPerExit',
  ]);
  t.deepEqual(faultsOf('signals: maybe'), ['f.yaml:1:10 signals expected on or off']);
});
