import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, open } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { seededRandom } from '../support/seeded-random.ts';

const clients = Array.from({ length: 20 }, (_, i) => `client${i}`);
const sessions = Array.from({ length: 20 }, (_, i) => `s${i}`);
const rounds = 12;
const connections = 50;

/** A client and a session of its own, as they stand in the path of a request. */
type Identity = string;

test('20 clients × 20 sessions × 10 exits: no connection and no credential of an exit is ever shared', async (t) => {
  const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  t.teardown(origin.close);
  const exits = await Promise.all(Array.from({ length: 10 }, () => startHttpExit()));
  t.teardown(() => Promise.all(exits.map(({ close }) => close())));
  const gateway = await startGateway({
    config: { accessLog: { enabled: false } },
    clients: Object.fromEntries(clients.map((name) => [name, []])),
    pools: { vendor: { exits: exits.map(({ port }) => ({ template: `http://u-{session}:p@127.0.0.1:${port}` })) } },
  });
  t.teardown(gateway.stop);

  const identities = clients.flatMap((client) => sessions.map((session): [string, string] => [client, session]));
  const rest = shuffled(Array.from({ length: rounds }, () => identities).flat()).values();
  // Every connection of a client's carries whatever identity comes next.
  await Promise.all(Array.from({ length: connections }, () => carry(gateway, origin.port, rest)));

  const seen = exits.flatMap((exit, number) =>
    exit.requests.map(({ target, username, connection }) => ({
      identity: new URL(target).pathname as Identity,
      exit: number,
      username,
      connection: `${number} ${connection}`,
    })),
  );
  t.is(seen.length, identities.length * rounds);
  const perIdentity = Map.groupBy(seen, ({ identity }) => identity);
  t.is(perIdentity.size, identities.length);
  for (const requests of perIdentity.values()) {
    t.is(new Set(requests.map(({ exit, username }) => `${exit} ${username}`)).size, 1);
  }
  const owners = (key: 'username' | 'connection') =>
    [...Map.groupBy(seen, (request) => request[key]).values()].map(
      (requests) => new Set(requests.map(({ identity }) => identity)).size,
    );
  t.deepEqual(new Set(owners('username')), new Set([1]));
  t.deepEqual(new Set(owners('connection')), new Set([1]));
  t.is(owners('username').length, identities.length);
  // Otherwise there was nothing to share.
  t.true(owners('connection').length < seen.length / 2, `${owners('connection').length} of ${seen.length}`);
  t.is(new Set(seen.map(({ exit }) => exit)).size, exits.length);
});

test('nor is a connection over exits that all clients share', async (t) => {
  const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  t.teardown(origin.close);
  const exits = await Promise.all(Array.from({ length: 2 }, () => startHttpExit()));
  t.teardown(() => Promise.all(exits.map(({ close }) => close())));
  const some = clients.slice(0, 4);
  const gateway = await startGateway({
    config: { accessLog: { enabled: false } },
    clients: Object.fromEntries(some.map((name) => [name, []])),
    pools: { listed: { exits: exits.map(({ url }) => ({ url })) } },
  });
  t.teardown(gateway.stop);

  const identities = some.flatMap((client) =>
    sessions.slice(0, 3).map((session): [string, string] => [client, session]),
  );
  const rest = shuffled(Array.from({ length: 40 }, () => identities).flat()).values();
  await Promise.all(Array.from({ length: 8 }, () => carry(gateway, origin.port, rest)));

  const users = exits.flatMap(({ requests }) =>
    [...Map.groupBy(requests, ({ connection }) => connection).values()].map(
      (carried) => new Set(carried.map(({ target }) => new URL(target).pathname)).size,
    ),
  );
  t.deepEqual(new Set(users), new Set([1]));
  const carried = exits.reduce((sum, { requests }) => sum + requests.length, 0);
  t.is(carried, identities.length * 40);
  t.true(users.length < carried / 2, `${users.length} connections of ${carried} requests`);
});

async function carry(gateway: Gateway, originPort: number, rest: Iterable<[string, string]>): Promise<void> {
  const socket = await open(gateway.port());
  const reader = readBytes(socket);
  const host = `127.0.0.1:${originPort}`;
  for (const [client, session] of rest) {
    const login = basic(gateway.login(client, `session-${session}`));
    socket.write(
      `GET http://${host}/${client}/${session} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${login}\r\n\r\n`,
    );
    const head = (await reader.until('\r\n\r\nok')).toString('latin1');
    if (!head.includes(`\r\nRoundabout-Session: ${session}\r\n`)) throw new Error(`another's answer: ${head}`);
  }
  socket.destroy();
}

function shuffled<T>(values: T[]): T[] {
  const random = seededRandom(7);
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}
