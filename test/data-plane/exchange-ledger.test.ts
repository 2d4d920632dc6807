import test from 'ava';
import { ExchangeLedger } from '../../src/data-plane/exchange-ledger.ts';
import { AttemptMeter } from '../../src/gateway/attempt-meter.ts';
import { type Choice, Exchange } from '../../src/gateway/exchange.ts';
import type { Booking, BookingBatch } from '../../src/ledger/booking.ts';
import { unknownVerdict } from '../../src/signals/verdict.ts';
import type { RelayHandle } from '../../src/transport/relay.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;

/** A ledger, and an exchange that has its exit. `look` books what has moved, and tells what was posted. */
function setUp() {
  const state = { now: 1_000 };
  const posted: Booking[] = [];
  const ledger = new ExchangeLedger({
    post: (batch) => posted.push(...batch.bookings),
    taken: () => 0,
    now: () => state.now,
    wallTime: () => state.now + 100 * HOUR_MS,
  });
  const exchange = new Exchange({
    id: '0'.repeat(32),
    mode: 'forward',
    method: 'GET',
    listener: 'mixed',
    source: '127.0.0.1',
    startedAt: 0,
  });
  exchange.site = 'a.example';
  const meter = new AttemptMeter();
  const look = () => {
    state.now += 1_000;
    ledger.flush();
    return posted.splice(0).map(({ kind, movedFrom, site, sent, exchanges }) => {
      return `${movedFrom === undefined ? '' : `${movedFrom} > `}${kind} ${site} ${sent} ${exchanges}`;
    });
  };
  return { state, ledger, exchange, meter, look };
}

/** No more of it is asked for here. */
const choice = { pool: null, exit: { geo: {} } } as Choice;

test('what runs is booked under the kind that it is of as far as is known, and what was booked before follows', (t) => {
  const { state, ledger, exchange, meter, look } = setUp();
  exchange.meter = meter;
  ledger.opened(exchange);
  meter.sent = 10;
  t.deepEqual(look(), ['ok a.example 10 0']);
  t.deepEqual(look(), []);
  exchange.verdict = { ...unknownVerdict, page: 'refused' };
  meter.sent = 15;
  t.deepEqual(look(), ['ok > blocked a.example 10 0', 'blocked a.example 5 0']);
  exchange.ending = 'client_left';
  meter.sent = 17;
  ledger.ended(exchange, state.now);
  t.deepEqual(look(), ['blocked > client_left a.example 15 0', 'client_left a.example 2 1']);
});

test('an exchange that ends as it was booked moves nothing', (t) => {
  const { state, ledger, exchange, meter, look } = setUp();
  exchange.meter = meter;
  exchange.verdict = { ...unknownVerdict, page: 'refused' };
  ledger.opened(exchange);
  meter.sent = 10;
  t.deepEqual(look(), ['blocked a.example 10 0']);
  exchange.ending = 'ok';
  ledger.ended(exchange, state.now);
  t.deepEqual(look(), ['blocked a.example 0 1']);
});

test('what an attempt has sent moves to how it failed', (t) => {
  const { ledger, exchange, meter, look } = setUp();
  exchange.sending = { choice, meter, spending: null };
  ledger.opened(exchange);
  meter.sent = 10;
  t.deepEqual(look(), ['ok a.example 10 0']);
  meter.sent = 12;
  ledger.failed(exchange, { choice, meter, kind: 'exit_failed', ms: 5 });
  t.deepEqual(look(), ['ok > exit_failed a.example 10 0', 'exit_failed a.example 2 0']);
});

test('what was booked in an hour that is over stays', (t) => {
  const { state, ledger, exchange, meter, look } = setUp();
  exchange.meter = meter;
  ledger.opened(exchange);
  meter.sent = 10;
  t.deepEqual(look(), ['ok a.example 10 0']);
  state.now += HOUR_MS;
  meter.sent = 15;
  t.deepEqual(look(), ['ok a.example 5 0']);
  exchange.ending = 'cut';
  meter.sent = 20;
  exchange.site = 'named.example';
  ledger.ended(exchange, state.now);
  t.deepEqual(look(), ['ok > cut a.example 5 0', 'cut named.example 5 1'], 'under the site that it had');
});

test('the same where all rests, and the wall clock jumps meanwhile', async (t) => {
  const state = { now: 1_000, ahead: 100 * HOUR_MS };
  const posted: Booking[] = [];
  const ledger = new ExchangeLedger({
    post: (batch) => posted.push(...batch.bookings),
    taken: () => 0,
    now: () => state.now,
    wallTime: () => state.now + state.ahead,
  });
  const { exchange, meter } = setUp();
  exchange.meter = meter;
  ledger.opened(exchange);
  meter.sent = 10;
  ledger.bookSoFar(exchange);
  ledger.rested(exchange);
  await until(() => posted.length > 0, 'nothing is left to be posted');
  state.ahead += HOUR_MS;
  exchange.ending = 'cut';
  ledger.ended(exchange, state.now);
  ledger.flush();
  t.deepEqual(
    posted.map(({ kind, movedFrom, sent }) => [kind, movedFrom, sent]),
    [
      ['ok', undefined, 10],
      ['cut', undefined, 0],
    ],
  );
});

test('of a tunnel that is looked at again and again before anything is taken the last look is told', (t) => {
  const batches: BookingBatch[] = [];
  let [taken, now] = [0, 1_000];
  const ledger = new ExchangeLedger({
    post: (batch) => batches.push(batch),
    taken: () => taken,
    now: () => now,
    wallTime: () => now,
  });
  const { exchange, meter } = setUp();
  exchange.meter = meter;
  exchange.carrier = { handle: 7 } as RelayHandle;
  ledger.opened(exchange);
  // As where eight batches wait to be taken.
  taken = -8;
  for (let look = 0; look < 10; look++) {
    meter.sent += 10;
    now += 1_000;
    ledger.flush();
  }
  t.is(batches.length, 0);
  taken = 0;
  meter.sent += 10;
  ledger.flush();
  t.is(batches[0]?.bookings[0]?.sent, 110);
  const { begun = [], looks = [] } = batches[0]?.tunnels ?? {};
  t.deepEqual([begun.length, [...looks]], [1, [7, 0, 0, 0, 0]]);
});

test('a tunnel that rests stays known to the control thread, whoever has its place among what runs', (t) => {
  const batches: BookingBatch[] = [];
  const ledger = new ExchangeLedger({
    post: (batch) => batches.push(batch),
    taken: () => batches.length,
    now: () => 1_000,
    wallTime: () => 1_000,
  });
  const begin = (handle: number) => {
    const { exchange, meter } = setUp();
    exchange.meter = meter;
    exchange.carrier = { handle } as RelayHandle;
    ledger.opened(exchange);
    return exchange;
  };
  const told = () => {
    ledger.flush();
    const { begun = [], ended = [] } = batches.at(-1)?.tunnels ?? {};
    return [begun.map(({ handle }) => handle), ended];
  };
  const resting = begin(7);
  ledger.bookSoFar(resting);
  ledger.rested(resting);
  const short = begin(8);
  ledger.ended(short, 1_000);
  t.deepEqual(told(), [[7], []], 'of one that ended before it was looked at nothing is told');
  ledger.ended(resting, 1_000);
  t.deepEqual(told(), [[], [7]]);
});
