import test from 'ava';
import { runCommand } from '../../src/admin/command.ts';
import { faultOf } from '../../src/admin/command-error.ts';
import { type Sessions, sessionCommands } from '../../src/admin/session-commands.ts';
import { type SessionView, sessionView } from '../../src/admin/session-view.ts';
import type { LeaseEntry } from '../../src/memory/lease.ts';

const lease: LeaseEntry = {
  key: [1, 2, 3, 4],
  slot: 3,
  generation: 1,
  mint: 5,
  exit: 'aaaaabbbbb',
  client: 'acme',
  session: 'cart42',
  country: 'de',
  asn: 0,
  ageMs: 10.4,
  heldMs: 10,
  restedMs: 2,
  endsInMs: Infinity,
  idleMs: 300,
  strict: true,
  confirmed: true,
  failed: false,
  moves: 2,
};
const view = (client: string, session: string) => sessionView({ ...lease, client, session }, 'res');

function makeDesk(all: readonly SessionView[], moved: SessionView | null = null) {
  const ended: SessionView[] = [];
  const sessions: Sessions = {
    list: ({ client, session }, limit) => {
      const found = all.filter(
        (one) => (client ?? one.client) === one.client && (session ?? one.session) === one.session,
      );
      return { sessions: found.slice(0, limit), more: Math.max(0, found.length - limit), evicted: 0, refused: 0 };
    },
    move: () => moved,
    end: (session) => ended.push(session),
  };
  const commands = new Map(sessionCommands(() => sessions));
  return { ended, run: (name: string, args: object) => runCommand(commands, { name, args }) };
}

test('a session is shown without anything that is secret', (t) => {
  t.deepEqual(sessionView(lease, 'res'), {
    client: 'acme',
    session: 'cart42',
    exit: 'aaaaabbbbb',
    pool: 'res',
    country: 'de',
    asn: null,
    strict: true,
    state: 'held',
    moves: 2,
    ageMs: 10,
    restedMs: 2,
    endsInMs: null,
    idleMs: 300,
  });
  t.is(sessionView({ ...lease, failed: true }, 'res').state, 'leaving');
  t.is(sessionView({ ...lease, confirmed: false }, 'res').state, 'chosen');
  t.is(sessionView(lease, null).state, 'gone');
});

test('a list is bounded, and tells how many more there are', (t) => {
  const { run } = makeDesk([view('a', '1'), view('a', '2'), view('b', '1')]);
  t.like(run('session.list', { limit: 1, client: 'a' }), { sessions: [view('a', '1')], more: 1 });
  t.like(run('session.list', {}), { sessions: { length: 3 }, more: 0 });
});

test('a session is named by itself, or with its client where several have it', (t) => {
  const { run, ended } = makeDesk([view('a', '1'), view('a', '2'), view('b', '1')]);
  const faultFor = (name: string, args: object) => faultOf(t.throws(() => run(name, args)));
  t.deepEqual(run('session.show', { name: '2' }), view('a', '2'));
  t.deepEqual(run('session.end', { name: '1', client: 'b' }), view('b', '1'));
  t.deepEqual(ended, [view('b', '1')]);
  t.like(faultFor('session.show', { name: '1' }), {
    code: 'bad_argument',
    message: '2 clients have a session "1"',
  });
  t.like(faultFor('session.end', { name: '3', client: 'b' }), {
    code: 'not_found',
    message: 'there is no session "3" of client "b"',
  });
});

test('where no other exit is left, a move says so', (t) => {
  t.deepEqual(makeDesk([view('a', '1')], view('a', '1')).run('session.move', { name: '1' }), view('a', '1'));
  const fault = faultOf(t.throws(() => makeDesk([view('a', '1')]).run('session.move', { name: '1' })));
  t.is(fault.code, 'not_found');
});
