import { setTimeout as rest } from 'node:timers/promises';
import test from 'ava';
import { forwardVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { startVendorGateway, type Understood, type VendorGateway } from '../support/vendor-gateway.ts';

/** No probe may be among what the vendor was asked. */
const probe = { budget: 0 };

let vendor: VendorGateway;
let gateway: Gateway;

test.before(async () => {
  vendor = await startVendorGateway();
  const account = {
    vendor: 'oxylabs',
    username: 'acme',
    password: '$' + '{VENDOR_PASSWORD}',
    endpoint: vendor.address,
  };
  gateway = await startGateway({
    env: { VENDOR_PASSWORD: 'secret' },
    files: {
      'pools/vendors/idle.yaml':
        'vendor: idle\nusername: "customer-{username}-sessid-{session}"\nidle: 1s\nproducts: { residential: { endpoints: { http: "nowhere.invalid:1" } } }\n',
      'pools/vendors/mine.yaml':
        'vendor: mine\nusername: "customer-{username}[-cc-{country}]-sessid-{session}"\nvalues: { country: { map: { de: XX } } }\nsession: { alphabet: a-z, length: 12 }\nproducts: { residential: { endpoints: { http: "nowhere.invalid:1" } } }\n',
    },
    pools: {
      open: { tier: 'res', probe, exits: [account] },
      placed: { tier: 'res', probe, exits: [{ ...account, countries: ['us', 'de'] }] },
      cities: {
        tier: 'res',
        country: 'de',
        probe,
        exits: [{ ...account, cities: ['Berlin', 'Frankfurt am Main'], slots: 3 }],
      },
      brief: { probe, exits: [{ ...account, lifetime: '1s' }] },
      turning: { probe, exits: [{ ...account, slots: 2, lifetime: '2s' }] },
      half: { probe, exits: [{ ...account, slots: 1, lifetime: '1h' }] },
      idle: { probe, exits: [{ ...account, vendor: 'idle' }] },
      mine: { probe, exits: [{ ...account, vendor: 'mine' }] },
    },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await vendor?.close();
});

async function ask(parameters: string): Promise<Understood | string> {
  const login = gateway.login('tester', parameters);
  const { status, reason, content } = await forwardVia(gateway.port(), 'http://shop.example/', { login });
  return status === 200 ? JSON.parse(content.toString()) : reason;
}

/** Why a request was refused: the problem document's detail. */
async function refusal(parameters: string): Promise<string> {
  const login = gateway.login('tester', parameters);
  const { status, content } = await forwardVia(gateway.port(), 'http://shop.example/', { login });
  return `${status} ${JSON.parse(content.toString()).detail}`;
}

test.serial('what a request asks for reaches the vendor in its words', async (t) => {
  t.like(await ask('pool-open'), { country: null, city: null, asn: null, ttl: null });
  t.like(await ask('pool-open-country-de-city-frankfurt_am_main-session-a-ttl-20m'), {
    country: 'DE',
    city: 'frankfurt_am_main',
    ttl: 20,
  });
  t.like(await ask('pool-open-asn-3320-session-b'), { asn: '3320', country: null });
  t.like(await ask('pool-open-country-us-state-new.york'), { country: 'US', state: 'new_york' });
  t.like(await ask('pool-open-session-c-ttl-90s'), { ttl: 2 });
  t.deepEqual(vendor.strangers, []);
});

test.serial('a session keeps its id, another has another, and another place too', async (t) => {
  const asked = 'pool-open-country-de-city-berlin-session-keep';
  const first = (await ask(asked)) as Understood;
  t.deepEqual(await ask(asked), first);
  t.not(((await ask('pool-open-country-de-city-berlin-session-other')) as Understood).session, first.session);
  const moved = (await ask('pool-open-country-de-city-hamburg-session-keep')) as Understood;
  t.is(moved.city, 'hamburg');
  t.not(moved.session, first.session);
  const free = await Promise.all(Array.from({ length: 10 }, () => ask('pool-open')));
  t.is(new Set(free.map((one) => (one as Understood).session)).size, 10);
});

test.serial('what a vendor cannot be asked for is said, and it is not asked', async (t) => {
  const before = vendor.understood.length;
  t.is(
    await refusal('pool-open-city-berlin'),
    '503 0 of 1 usable; 1 in other cities; the vendor is asked for a city together with its country',
  );
  t.is(
    await refusal('pool-open-country-de-asn-3320'),
    "503 0 of 1 usable; 1 in other networks; the vendor can't be asked for asn and country at once",
  );
  t.is(
    await refusal('pool-open-country-de-state-bavaria'),
    '503 0 of 1 usable; 1 in other states; the vendor can be asked for a state of us only',
  );
  t.is(await refusal('pool-open-isp-comcast'), '503 0 of 1 usable; 1 of other providers');
  t.is(await refusal('pool-placed-country-fr'), '503 0 of 2 usable; 2 in other countries');
  t.is(await refusal('pool-cities-country-de-city-hamburg'), '503 0 of 6 usable; 6 in other cities');
  t.is(vendor.understood.length, before);
});

test.serial('a pool settles places, and slots are minted for each of them', async (t) => {
  t.like(await ask('pool-placed-country-de-city-berlin'), { country: 'DE', city: 'berlin' });
  t.like(await ask('pool-cities-city-berlin'), { country: 'DE', city: 'berlin' });
  const asked = await Promise.all(Array.from({ length: 40 }, () => ask('pool-cities-city-frankfurtammain')));
  t.true(asked.every((one) => (one as Understood).city === 'frankfurt_am_main'));
  t.true(new Set(asked.map((one) => (one as Understood).session)).size <= 3);
});

test.serial('a reply names the country that was asked for, and echo the place of its session', async (t) => {
  const login = gateway.login('tester', 'pool-open-country-de-session-label');
  const { headers } = await forwardVia(gateway.port(), 'http://shop.example/', { login });
  t.regex(String(headers['roundabout-exit']), /^[a-z2-7]{10}; ?country=de$/);
});

test.serial('a session id that fails is followed by a fresh one, by the same exit', async (t) => {
  const asked = 'pool-open-country-us-session-mortal';
  const { session } = (await ask(asked)) as Understood;
  vendor.dead.add(session);
  const next = (await ask(asked)) as Understood;
  t.not(next.session, session);
  t.deepEqual(await ask(asked), next);
});

test.serial('a session id is minted anew when its time is over, and a strict session says so', async (t) => {
  const first = (await ask('pool-brief-session-s')) as Understood;
  t.like(await ask('pool-brief-session-t-strict-1'), { country: null });
  await rest(1100);
  const second = (await ask('pool-brief-session-s')) as Understood;
  t.not(second.session, first.session);
  const asked = vendor.understood.length;
  t.is(await ask('pool-brief-session-t-strict-1'), 'session_lost');
  t.regex(await refusal('pool-brief-session-t-strict-1'), /^502 .*its vendor gave the address for no longer/);
  t.is(vendor.understood.length, asked);
});

test.serial(
  'a duration that was asked for counts in place of the usual one, and echo tells what is given',
  async (t) => {
    const asked = 'pool-brief-session-long-ttl-30m';
    const first = await ask(asked);
    t.like(first, { ttl: 30 });
    await rest(1100);
    t.deepEqual(await ask(asked), first);
    const longer = 'pool-brief-session-longer-ttl-48h';
    t.like(await ask(longer), { ttl: 24 * 60 });
    const login = gateway.login('tester', longer);
    const { content } = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login });
    t.is(JSON.parse(content.toString()).exit.lifetimeS, 86_400);
  },
);

test.serial('a session id that rested for too long is another', async (t) => {
  const first = (await ask('pool-idle-session-s')) as Understood;
  await rest(1100);
  t.not(((await ask('pool-idle-session-s')) as Understood).session, first.session);
});

test.serial(
  'a session whose peer is silent from the first gets another, however well the vendor serves others',
  async (t) => {
    await ask('pool-open');
    const before = vendor.understood.length;
    vendor.delayMs = 1_000;
    const first = ask('pool-open-session-mute-timeout-10s');
    await until(() => vendor.understood.length > before, 'it is asked');
    const { session } = vendor.understood.at(-1)!;
    vendor.silent.add(session);
    vendor.delayMs = 0;
    const served = (await first) as Understood;
    t.true(typeof served !== 'string' && served.session !== session, String(served));
    t.deepEqual(await ask('pool-open-session-mute'), served);
  },
);

test.serial('two peers that are silent are the silence of the origin', async (t) => {
  await ask('pool-open');
  const before = vendor.understood.length;
  vendor.silent.add('all');
  t.is(await ask('pool-open-session-quiet-timeout-8s'), 'origin_timeout');
  vendor.silent.clear();
  const asked = vendor.understood.slice(before).map(({ session }) => session);
  t.is(asked.length, 2);
  t.not(asked[0], asked[1]);
  const { stdout } = await gateway.command('exit', 'list', '--pool', 'open', '--json');
  t.like(JSON.parse(stdout), [{ live: { failuresInRow: 0 } }]);
});

test.serial('slots are minted anew when their time is over, and what was learned of them begins anew', async (t) => {
  const many = async () => {
    const asked = await Promise.all(Array.from({ length: 12 }, () => ask('pool-turning')));
    return new Set(asked.map((one) => (one as Understood).session));
  };
  const before = await many();
  await rest(3000);
  const after = await many();
  for (const session of after) t.false(before.has(session));
  t.regex(await refusal('pool-turning-country-de'), /^503 0 of 2 usable/);
});

test.serial('a session of a slot keeps the id of the slot, and so does who has none', async (t) => {
  const first = (await ask('pool-half-session-half1-strict-1')) as Understood;
  t.deepEqual(await ask('pool-half'), first);
  t.deepEqual(await ask('pool-half-session-half1-strict-1'), first);
  t.deepEqual(await ask('pool-half-session-half2'), first);
});

test.serial('a session that an operator moves goes on over the slot that it is moved to', async (t) => {
  for (const session of ['m1', 'm2', 'm3', 'm4']) {
    const login = gateway.login('tester', `pool-cities-session-${session}`);
    const exitOf = async () =>
      String((await forwardVia(gateway.port(), 'http://shop.example/', { login })).headers['roundabout-exit']);
    const first = await exitOf();
    const { stdout } = await gateway.command('session', 'move', session, '--json');
    const { exit } = JSON.parse(stdout) as { exit: string };
    t.false(first.startsWith(exit));
    t.true((await exitOf()).startsWith(exit), session);
    t.true((await exitOf()).startsWith(exit), session);
  }
});

test.serial("an operator's own vendor file is read, with its words", async (t) => {
  t.like(await ask('pool-mine-country-de'), { country: 'XX' });
  t.regex(((await ask('pool-mine')) as Understood).session, /^[a-z]{12}$/);
});

test.serial('neither name nor password of the account is shown', async (t) => {
  const { stdout } = await gateway.command('exit', 'list', '--json');
  const log = JSON.stringify(await gateway.accessLog(20));
  t.notRegex(stdout + log + gateway.output(), /secret|customer-acme|sessid/);
});
