import type { Authority } from '../../protocol/authority.ts';
import type { Admission, Choice, Exchange, ExchangeOpening } from '../exchange.ts';
import type { Bounds } from '../limits/bounds.ts';
import type { RestingCount } from '../quotas/quota-rest.ts';
import type { RelayedHow } from './tunnel-exchange.ts';

/** What tunnels of one client to one host mostly have in common: each that rests names it, and needs no fields for it. `admission` is
 *  that of one of them. */
export interface RestingKind extends RelayedHow, RestingCount, Omit<ExchangeOpening, 'id' | 'startedAt'> {
  readonly authority: Authority;
  readonly limits: Exchange['limits'];
  readonly pace: Exchange['pace'];
}

/** What is known of an exchange whose exit has confirmed its tunnel. */
export interface Confirmed {
  readonly authority: Authority;
  readonly admission: Admission;
  readonly bounds: Bounds;
  readonly choice: Choice;
}

/** The kind of the exchange's tunnel: the very one of the last that rested, where that is the same. */
export function restingKindOf(exchange: Exchange, { deps, onEnd }: RelayedHow, known: Confirmed): RestingKind {
  const { mode, method, listener, source, limits, pace, spending } = exchange;
  const { authority, admission, bounds, choice } = known;
  const kind: RestingKind = {
    ...{ deps, onEnd, mode, method, listener, source },
    ...{ authority, admission, bounds, limits, pace },
    pool: choice.exit.pool,
    isCounted: spending !== null,
    price: spending?.price ?? null,
  };
  if (bounds.resting === null || !isSame(bounds.resting, kind)) bounds.resting = kind;
  return bounds.resting;
}

/** Both of the same bounds, and so of the same client and host. */
function isSame(one: RestingKind, other: RestingKind): boolean {
  return (
    one.deps === other.deps &&
    one.onEnd === other.onEnd &&
    one.mode === other.mode &&
    one.method === other.method &&
    one.listener === other.listener &&
    one.source === other.source &&
    one.authority.port === other.authority.port &&
    one.limits === other.limits &&
    one.pace === other.pace &&
    one.pool === other.pool &&
    one.isCounted === other.isCounted &&
    one.price === other.price
  );
}
