import type { Exchange } from '../gateway/exchange.ts';
import { formatAuthority } from '../protocol/authority.ts';
import type { AccessRecord, Phase } from '../telemetry/access-record.ts';

/** The line of the access log for an exchange that has ended. `now` is the monotonic clock, `wallTime` ms since the epoch. */
export function accessRecordOf(exchange: Exchange, { now, wallTime }: { now: number; wallTime: number }): AccessRecord {
  const { identity, choice, verdict } = exchange;
  const cut = exchange.ending === 'cut';
  return {
    time: wallTime,
    id: exchange.id,
    listener: exchange.listener,
    source: exchange.source,
    client: identity?.client.name ?? null,
    session: identity?.params.session ?? null,
    tag: identity?.params.tag ?? null,
    pool: choice?.exit.pool ?? null,
    exit: choice?.exit.id ?? null,
    authority: exchange.authority === null ? null : formatAuthority(exchange.authority),
    method: exchange.method,
    path: exchange.path,
    kind: exchange.ending === null || exchange.ending === 'cut' ? 'ok' : exchange.ending,
    by: exchange.by,
    why: exchange.why,
    status: exchange.status,
    cut,
    originMs: exchange.originMs,
    verdict: verdict.page === 'unknown' ? null : verdict,
    clientToOrigin: exchange.clientBytes,
    originToClient: exchange.originBytes,
    exitSent: exchange.sentBytes,
    exitReceived: exchange.receivedBytes,
    attempts: exchange.attempts,
    phasesMs: phasesOf(exchange, now),
  };
}

function phasesOf({ startedAt, admittedAt, confirmedAt }: Exchange, now: number): Partial<Record<Phase, number>> {
  if (admittedAt === null) return { admit: now - startedAt };
  const admit = admittedAt - startedAt;
  if (confirmedAt === null) return { admit, attempt: now - admittedAt };
  return { admit, attempt: confirmedAt - admittedAt, relay: now - confirmedAt };
}
