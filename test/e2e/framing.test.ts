import { createServer } from 'node:http';
import test from 'ava';
import { basic, rawExchange } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';
import { accepted, type Probe, refused, sequences } from './framing-probes.ts';

// What a client sends and what of it an origin sees: one request for each that is accepted, nothing for one that is refused.

/** A request as llhttp understood it at the origin. */
interface Seen {
  readonly line: string;
  readonly names: readonly string[];
  readonly content: string;
}

const pools = ['direct', 'http'];
const peers: Peer[] = [];
const seen: Seen[] = [];
/** Requests that the origin could not read. */
let misread = 0;
let gateway: Gateway;
let origin: Peer;

test.before(async () => {
  const server = createServer(async (request, response) => {
    let content = '';
    try {
      for await (const chunk of request) content += chunk;
    } catch {
      // Cut off by the gateway: no request.
      return;
    }
    const names = request.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    seen.push({ line: `${request.method} ${request.url}`, names, content });
    response.setHeader('Content-Length', 2).end('ok');
  });
  server.on('clientError', (_error, socket) => {
    misread++;
    socket.destroy();
  });
  // Without a listener node:http declines an Upgrade.
  origin = await listen(server);
  const exit = await startHttpExit();
  peers.push(origin, exit);
  gateway = await startGateway({
    config: { timeouts: { head: '3s', firstByte: '6s', stall: '3s' } },
    pools: { direct: { exits: [{ direct: true }] }, http: { exits: [{ url: exit.url }] } },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all(peers.map((peer) => peer.close()));
});

/** Sends a probe over `pool`, then FIN, and reads to the end: the statuses of all answers, and the last of them as text. */
async function send(probe: Probe, pool: string) {
  seen.length = 0;
  misread = 0;
  const credential = `Proxy-Authorization: ${basic(gateway.login('tester', `pool-${pool}`))}`;
  const text = probe.replaceAll(/\bO\b/g, `127.0.0.1:${origin.port}`).replaceAll(/^A(?=\r?\n)/gm, credential);
  const answer = await rawExchange(gateway.port(), Buffer.from(text, 'latin1'), { thenFin: true });
  const told = [...answer.text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status));
  return { ...answer, told };
}

for (const pool of pools) {
  test.serial(`what is ambiguous is refused, and nothing of it reaches an origin over ${pool}`, async (t) => {
    for (const [name, probe] of refused) {
      const { told, text, ended } = await send(probe, pool);
      t.is(told.length, 1, `${name}: ${text}`);
      t.true((told[0]! >= 400 && told[0]! < 500) || told[0] === 501 || told[0] === 505, `${name}: ${told}`);
      t.regex(text, /^Connection: close\r$/m, name);
      t.not(ended, 'open', name);
      t.deepEqual(seen, [], name);
    }
  });

  test.serial(`what is accepted is one request to the origin over ${pool}`, async (t) => {
    for (const [name, [probe, content]] of accepted) {
      const { told, text } = await send(probe, pool);
      t.deepEqual(told, [200], `${name}: ${text}`);
      t.is(misread, 0, name);
      t.deepEqual(
        seen.map((request) => request.content),
        [content],
        name,
      );
      const { line, names } = seen[0]!;
      t.regex(line, / \/p$/, name);
      t.is(names.filter((field) => field === 'host').length, 1, name);
      t.false(
        names.some((field) => /^(proxy-.*|upgrade|http2-settings)$/.test(field)),
        name,
      );
    }
  });

  test.serial(`octets behind a request are only read where it is known what they are, over ${pool}`, async (t) => {
    for (const [name, sequence] of sequences) {
      // A test's exit passes an Upgrade on as octets.
      if (pool === 'http' && name.includes('Upgrade')) continue;
      const { told } = await send(sequence.sent, pool);
      t.deepEqual(told, sequence.told, name);
      t.deepEqual(
        seen.map(({ line }) => line),
        sequence.seen,
        name,
      );
    }
  });
}
