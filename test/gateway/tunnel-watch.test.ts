import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { judgeEnd } from '../../src/gateway/tunnels/tunnel-watch.ts';
import { NormTable } from '../../src/signals/site-norm.ts';
import { Sites } from '../../src/signals/sites.ts';
import type { RelayEnd } from '../../src/signals/tunnel-facts.ts';

const first = (afterMs: number) => ({ afterMs, tlsRecord: { type: 22, length: 100 } });

/** A tunnel in which so many octets came, in a second. */
const endAfter = (octets: number): RelayEnd => ({
  bytesAtoB: 1_000,
  bytesBtoA: octets,
  ended: 'closed',
  by: null,
  firstFromA: first(1),
  firstFromB: first(50),
  endedFirst: 'a',
});

function scene() {
  const learned: string[] = [];
  const deps = {
    now: () => 1_000,
    settings: () => ({ watchTunnels: true }),
    mute: { isIdle: true },
    signals: {
      norms: new NormTable(),
      sites: new Sites(),
      recent: { rename: () => {} },
      learner: {
        judged: (_: unknown, site: string, { verdict }: { verdict: string }) => learned.push(`${site} ${verdict}`),
      },
    },
  } as unknown as Collaborators;
  /** What is made of a tunnel to that host, asked in its ClientHello for that name. */
  const tunnel = (host: string, name: string | null, octets: number) => {
    const authority = { host, family: /^[\d.]+$/.test(host) ? 4 : 0, port: 443 };
    const exchange = { mode: 'connect', choice: { slot: 1 }, inFlight: 1, authority, confirmedAt: 0 };
    judgeEnd(deps, exchange as unknown as Exchange, { end: endAfter(octets), name });
    return learned.splice(0)[0] ?? null;
  };
  return { tunnel };
}

test('what clients ask of their own addresses says nothing of what is usual at the site that they name', (t) => {
  const { tunnel } = scene();
  for (let i = 0; i < 30; i++) tunnel('www.shop.example', null, 40_000);
  for (let i = 0; i < 200; i++) tunnel('203.0.113.7', 'www.shop.example', 50_000_000);
  t.is(tunnel('www.shop.example', null, 40_000), 'shop.example served');
  t.is(tunnel('www.shop.example', null, 1_000), 'shop.example refused');
});

test('a tunnel to an address is judged by what is usual there, and learned of the site that it names', (t) => {
  const { tunnel } = scene();
  for (let i = 0; i < 30; i++) tunnel('198.51.100.9', 'www.shop.example', 40_000);
  t.is(tunnel('198.51.100.9', 'www.shop.example', 40_000), 'shop.example served');
  t.is(tunnel('198.51.100.9', 'www.shop.example', 1_000), 'shop.example refused');
  t.is(tunnel('198.51.100.9', null, 40_000), '198.51.100.9 served');
});
