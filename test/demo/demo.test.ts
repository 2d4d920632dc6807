import { fork } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { type DemoExit, startDemo } from '../../src/demo/demo.ts';
import { testCertificate } from '../support/certificate.ts';
import { open, socks5Via } from '../support/clients.ts';
import { has, run } from '../support/programs.ts';

async function start(t: ExecutionContext, counts: { http: number; https: number; socks5: number }) {
  const demo = await startDemo({ ...counts, seed: 1, certificate: await testCertificate() });
  t.teardown(demo.close);
  return demo;
}

/** curl through an exit, again while the exit fails as it should now and then. */
async function fetchVia({ url }: DemoExit, page: string, more: string[] = []): Promise<string> {
  const args = ['-sSik', '--suppress-connect-headers', '--proxy-insecure', '--retry', '5', '--retry-delay', '0'];
  const ended = await run('curl', [
    ...args,
    '--retry-all-errors',
    '-x',
    url.replace('socks5:', 'socks5h:'),
    page,
    ...more,
  ]);
  return ended.code === 0 ? ended.stdout : ended.stderr;
}

const labelIn = (answer: string) => /^x-demo-exit: (.*)\r$/im.exec(answer)?.[1];

test('each exit of each kind is known to the origin, forwarded and in a tunnel', async (t) => {
  if (!has('curl')) return t.pass('no curl');
  const demo = await start(t, { http: 2, https: 2, socks5: 2 });
  t.is(new Set(demo.exits.map(({ label }) => label)).size, 6);
  await Promise.all(
    demo.exits.flatMap((exit) =>
      Object.values(demo.origins).map(async (origin) => {
        const answer = await fetchVia(exit, `${origin}/`);
        t.is(labelIn(answer), exit.label, answer);
        t.true(answer.endsWith(`You came by the exit ${exit.label}.\n`));
      }),
    ),
  );
});

test('the origin has pages to look at', async (t) => {
  if (!has('curl')) return t.pass('no curl');
  const demo = await start(t, { http: 1, https: 0, socks5: 1 });
  for (const exit of demo.exits) {
    t.regex(await fetchVia(exit, `${demo.origins.http}/headers`, ['-H', 'X-Seen: yes']), /"x-seen": \[\s*"yes"/);
    t.regex(
      await fetchVia(exit, `${demo.origins.https}/bytes/300000`, ['-o', '/dev/null', '-w', '%{size_download}']),
      /^300000$/,
    );
    t.regex(await fetchVia(exit, `${demo.origins.http}/slow?s=0.01`), /That took 0.01 s/);
  }
  const direct = await run('curl', ['-si', `${demo.origins.http}/`]);
  t.is(labelIn(direct.stdout), undefined);
});

test('exits want their credential, and say what an origin does', async (t) => {
  if (!has('curl')) return t.pass('no curl');
  const demo = await start(t, { http: 1, https: 1, socks5: 1 });
  for (const { url } of demo.exits) {
    const wrong = url.replace(/:\w+@/, ':wrong@').replace('socks5:', 'socks5h:');
    const page = `${demo.origins.https}/`;
    const ended = await run('curl', ['-sSk', '--proxy-insecure', '-x', wrong, page]);
    t.not(ended.code, 0);
    t.regex(ended.stderr, /407|SOCKS5/);
  }
  const refused = await run('curl', ['-sSi', '-x', demo.exits[0]!.url, 'http://127.0.0.1:1/']);
  t.regex(refused.stdout, /502[\s\S]*proxy-status: demo; error=connection_refused/i);
});

test('a SOCKS exit says what it met: nobody listens there, or there is no such name', async (t) => {
  const demo = await start(t, { http: 0, https: 0, socks5: 1 });
  const { port, username, password } = new URL(demo.exits[0]!.url);
  const repliesOf = async (target: { host: string; port: number; asName?: boolean }) => {
    const login = { username, password };
    const asked = await Promise.all(Array.from({ length: 8 }, () => socks5Via(Number(port), target, { login })));
    return asked.map(({ reply, octets, socket }) => {
      socket.destroy();
      return [reply, octets.length];
    });
  };
  // Now and then it fails by itself.
  for (const [target, expected] of [
    [{ host: '127.0.0.1', port: 1 }, 5],
    [{ host: 'nothing.invalid', port: 80, asName: true }, 4],
  ] as const) {
    const replies = await repliesOf(target);
    t.true(replies.filter(([reply, length]) => reply === expected && length === 10).length > 4, replies.join(' '));
  }
});

test('a hundred exchanges at once leave the demo as it was', async (t) => {
  if (!has('curl')) return t.pass('no curl');
  const demo = await start(t, { http: 1, https: 1, socks5: 1 });
  const pages = Array.from({ length: 34 }, () => `${demo.origins.https}/bytes/1000`);
  await Promise.all(demo.exits.map((exit) => fetchVia(exit, '--parallel', pages)));
  for (const exit of demo.exits) t.is(labelIn(await fetchVia(exit, `${demo.origins.http}/`)), exit.label);
});

test('the demo ends with the process that started it', async (t) => {
  const holder = fork(new URL('./demo-holder.ts', import.meta.url));
  const [ports]: number[][] = await once(holder, 'message');
  const sockets = await Promise.all((ports ?? []).map((port) => open(port)));
  const closed = sockets.map((socket) => once(socket.resume(), 'close'));
  // allowHalfOpen: what the demo ends, this side ends too.
  for (const socket of sockets) socket.once('end', () => socket.destroy());
  holder.kill('SIGKILL');
  await Promise.all(closed);
  t.is(sockets.length, 2);
});
