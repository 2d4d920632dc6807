import test from 'ava';
import type { Booking, BookingBatch } from '../../src/ledger/booking.ts';
import { createLimitMemory } from '../../src/policy/limit-counts.ts';
import type { RelayCounts, RelayOutcome } from '../../src/transport/relay.ts';
import { LeftTunnels, type LeftTunnelsOptions } from '../../src/workers/left-tunnels.ts';

const [ours, others] = [0, 1];
const handle = 7;

/** Two workers, of which one has told of a tunnel that is booked up to 100 octets sent; and what is booked of it from then on. */
function scene() {
  const running = new Map<number, RelayCounts>([[handle, { bytesAtoB: 100, bytesBtoA: 0 }]]);
  const booked: number[] = [];
  const shared = {
    memory: { limits: createLimitMemory(0, Buffer.from('a key')) },
    ledger: { take: ({ bookings }: BookingBatch) => booked.push(...bookings.map(({ sent }) => sent)) },
  };
  const left = new LeftTunnels({
    shared: shared as unknown as LeftTunnelsOptions['shared'],
    config: () => ({ clientQuotas: [] }),
    clients: () => [],
    countsOutside: (one) => running.get(one) ?? null,
    now: () => 0,
    warn: () => {},
  });
  left.heard(ours, {
    bookings: [{ kind: 'ok', client: 'acme' } as Booking],
    tunnels: {
      begun: [{ handle, host: 'a', startedAt: 0 }],
      looks: new Float64Array([handle, 0, 0, 100, 0]),
      ended: [],
    },
  } as unknown as BookingBatch);
  /** Its relay has ended it; who inherits it is told a little later. */
  const end = () => {
    running.delete(handle);
    return () =>
      left.ended(handle, { bytesAtoB: 900, bytesBtoA: 0, unreadB: 0, ended: 'closed' } as unknown as RelayOutcome);
  };
  return { left, booked, end };
}

test('a tunnel that has ended is booked, though another worker dies before that is told', (t) => {
  const { left, booked, end } = scene();
  left.died(ours);
  const told = end();
  left.died(others);
  told();
  t.deepEqual(booked, [800]);
  left.close();
  t.deepEqual(booked, [800]);
});

test('tunnels of a worker that never comes to its end are booked with the gateway', (t) => {
  const { left, booked } = scene();
  left.close();
  t.deepEqual(booked, [0]);
});
