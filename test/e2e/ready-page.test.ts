import test from 'ava';
import { startGateway } from '../support/gateway.ts';

test('whether it is ready costs the same with a million exits', async (t) => {
  const many = { exits: [{ template: 'http://u-{session}:p@127.0.0.1:9', slots: 1_000_000 }] };
  const gateway = await startGateway({ pools: { many } });
  t.teardown(() => gateway.stop());
  /** The least of 20, in ms: what else the machine does only adds to it. */
  const costOf = async (page: string) => {
    const times: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      const begun = performance.now();
      const response = await fetch(`http://127.0.0.1:${gateway.port('admin')}/${page}`);
      t.is(response.status, 200);
      await response.text();
      times.push(performance.now() - begun);
    }
    return Math.min(...times);
  };
  const [lives, ready] = [await costOf('healthz'), await costOf('readyz')];
  t.log(`/healthz ${lives.toFixed(2)} ms, /readyz ${ready.toFixed(2)} ms`);
  t.true(ready < 4 * lives, `/healthz ${lives} ms, /readyz ${ready} ms`);
});
