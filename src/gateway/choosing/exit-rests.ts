import { GatewayError } from '../../errors.ts';
import type { Reservation } from '../../memory/gcra.ts';
import type { LimitCell } from '../../policy/limit-cells.ts';
import type { Attempt } from '../attempt-run.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import { pause } from '../pause.ts';
import { restingName } from './exit-shares.ts';

/** An exit that an exchange has taken which rests from the site between two requests: where its rest is counted, the count behind it,
 *  and whether the request has gone over it. */
export interface ExitRest {
  readonly slot: number;
  readonly cell: LimitCell;
  readonly mark: number;
  gone: boolean;
}

/** The attempt's request goes to its site now, if null is returned: the exit rests from this moment on, not from when it was taken,
 *  because connecting to it took its time. Else resolves when it may go: others have gone over the exit while this one still connected,
 *  or it was taken for another of its session, and it waits for its turn behind them. Rejects with rate_limited where that doesn't come
 *  in time, or with the signal's reason. A request that goes twice over one exit, because its link was dead, goes at once. */
export function departure(deps: Collaborators, exchange: Exchange, attempt: Attempt): Promise<void> | null {
  const { pace, exitRests } = exchange;
  if (pace === null || pace.exitInterval === null) return null;
  const { slot } = attempt.choice;
  const { counts } = deps.limits;
  const rest = exitRests.findLast((one) => one.slot === slot);
  if (rest?.gone) return null;
  const name = restingName(deps, exchange, slot);
  if (name === null) return null;
  const cell = rest?.cell ?? counts.cellOf(pace.exitInterval, name);
  if (rest === undefined) exchange.exitRests = [...exitRests, { slot, cell, mark: 0, gone: true }];
  else rest.gone = true;
  if (rest !== undefined && counts.postpone(cell, rest.mark, deps.now())) return null;
  const turn = counts.reserve(cell, deps.now());
  return turn === null || turn.waitMs <= 0 ? null : waitForTurn(deps, attempt, { cell, turn });
}

async function waitForTurn(
  { limits: { counts }, now }: Collaborators,
  { signal, wayMs }: Attempt,
  { cell, turn }: { readonly cell: LimitCell; readonly turn: Reservation },
): Promise<void> {
  try {
    if (turn.waitMs > wayMs)
      throw new GatewayError('rate_limited', { detail: `${cell.limit.name}: the exit's turn came too late` });
    // A timer may fire a little early.
    await pause(Math.ceil(turn.waitMs) + 1, signal);
  } catch (fault) {
    counts.cancel(cell, turn);
    throw fault;
  }
  counts.postpone(cell, turn.mark, now());
}
