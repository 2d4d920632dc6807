import test from 'ava';
import { catalogue, type ErrorKind } from '../../src/errors.ts';
import { connectVia, forwardVia, patternOf, socks5Via } from '../support/clients.ts';
import {
  type FaultExit,
  type FaultMode,
  type FaultProtocol,
  faultModes,
  startFaultExit,
} from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { entriesOf, exitAuthority, poolName } from './fault-pools.ts';

const protocols: readonly FaultProtocol[] = ['http', 'https', 'socks5'];
// All modes run at once, and whoever answers does so in time, however late a thread is.
const timeouts = { dial: '10s', firstByte: '12s', stall: '10s', attempts: '40s' };
const boundMs = 10 * 12_000;
/** What those have that never answer. */
const silence = 'timeout-4s';

/** What an exchange ends with where the exit fails before success was told. */
const kinds = new Map<FaultMode, ErrorKind>([
  ['refuse', 'exit_refused'],
  ['blackhole', 'exit_timeout'],
  ['resetAtOnce', 'exit_failed'],
  ['resetAfterRequest', 'exit_failed'],
  ['finAfterRequest', 'exit_failed'],
  ['garbage', 'exit_rejected'],
  ['truncatedHead', 'exit_failed'],
  ['slowHead', 'exit_timeout'],
  ['resetInTls', 'exit_tls'],
  ['hugeHead', 'exit_rejected'],
  ['status-407', 'exit_auth_failed'],
  ['rep-1', 'exit_failed'],
  ['rep-2', 'exit_rejected'],
  ['rep-3', 'origin_unreachable'],
  ['rep-4', 'origin_unreachable'],
  ['rep-5', 'origin_refused'],
  ['rep-6', 'origin_timeout'],
  ['rep-7', 'exit_rejected'],
  ['rep-8', 'exit_rejected'],
]);

/** Refusals of a tunnel that in forwarding are answers, by their status. */
const answers = new Map<FaultMode, number>([
  ['page200', 200],
  ['status-403', 403],
  ['status-429', 429],
  ['status-502', 502],
  ['status-503', 503],
]);

/** Failures of an answer after its head. */
const cuts: ReadonlySet<FaultMode> = new Set<FaultMode>(['cut', 'cutWithReset', 'stall', 'halfClose']);

const exits: FaultExit[] = [];
let gateway: Gateway;
let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
  const pools: Record<string, Record<string, unknown>> = {};
  for (const protocol of protocols) {
    for (const mode of faultModes(protocol)) {
      const exit = await startFaultExit({ protocol, mode });
      exits.push(exit);
      pools[poolName('alone', { protocol, mode })] = { exits: entriesOf([exit]) };
    }
  }
  gateway = await startGateway({ config: { timeouts }, pools, files: await exitAuthority() });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin?.close(), ...exits.map(({ close }) => close())]);
});

for (const protocol of protocols) {
  const login = (mode: FaultMode) => {
    const pool = `pool-${poolName('alone', { protocol, mode })}`;
    return gateway.login('tester', kinds.get(mode) === 'exit_timeout' ? `${pool}-${silence}` : pool);
  };
  const modes = faultModes(protocol);
  const bounded = async <T>(work: Promise<T>): Promise<{ value: T; inTime: boolean }> => {
    const startedAt = performance.now();
    return { value: await work, inTime: performance.now() - startedAt < boundMs };
  };

  /** A reset at once may come before or after the connection counts as made: with TLS these are two kinds. */
  const settled = (mode: FaultMode, reason: string): string =>
    protocol === 'https' && mode === 'resetAtOnce' && reason === 'exit_tls' ? 'exit_failed' : reason;

  /** How a tunnel, and a forwarded request that needs one, ends; undefined where a tunnel opens. */
  const tunnelKind = (mode: FaultMode): ErrorKind | undefined => {
    if (mode === 'lyingLength') return protocol === 'socks5' ? 'exit_failed' : 'exit_rejected';
    return answers.has(mode) ? 'exit_rejected' : kinds.get(mode);
  };

  test.serial(`CONNECT and SOCKS5 over one bad ${protocol} exit end with the right kind in time`, async (t) => {
    const host = `127.0.0.1:${origin.port}`;
    const visits = modes.map(async (mode) => {
      const kind = tunnelKind(mode);
      if (kind === undefined) return;
      const connect = await bounded(connectVia(gateway.port(), host, { login: login(mode) }));
      t.is(connect.value.status, catalogue[kind].status, mode);
      const { reason, head } = connect.value;
      t.is(settled(mode, reason), kind, mode);
      t.true(head.includes(`Roundabout-Error: ${reason}; by=${catalogue[kind].by}; attempts=1\r\n`), mode);
      connect.value.socket.destroy();
      const target = { host: '127.0.0.1', port: origin.port };
      const socks = await bounded(socks5Via(gateway.port(), target, { login: login(mode) }));
      t.is(socks.value.reply, catalogue[kind].socks5, mode);
      socks.value.socket.destroy();
      t.deepEqual([connect.inTime, socks.inTime], [true, true], mode);
    });
    await Promise.all(visits);
  });

  test.serial(`forwarding over one bad ${protocol} exit ends with the right kind, answer or cut in time`, async (t) => {
    const visits = modes.map(async (mode) => {
      const { value: answer, inTime } = await bounded(
        forwardVia(gateway.port(), `${origin.url}/bytes/5000`, { login: login(mode) }),
      );
      const status = protocol === 'socks5' ? undefined : answers.get(mode);
      const isCut = cuts.has(mode) || (mode === 'lyingLength' && protocol !== 'socks5');
      if (isCut || status !== undefined) {
        t.is(answer.status, status ?? 200, mode);
        t.is(answer.cut, isCut, mode);
        const whole = patternOf(5000);
        if (cuts.has(mode)) t.true(whole.subarray(0, answer.content.length).equals(answer.content), mode);
      } else {
        const kind = tunnelKind(mode)!;
        t.is(settled(mode, answer.reason), kind, mode);
        t.is(answer.status, catalogue[kind].status, mode);
        t.false(answer.cut, mode);
      }
      t.true(inTime, mode);
    });
    await Promise.all(visits);
  });
}
