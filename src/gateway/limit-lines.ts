import type { LimitFigure } from '../policy/limit-counts.ts';
import type { ReplyLabels } from '../protocol/error-reply.ts';
import type { LimitLine } from '../protocol/rate-limit-fields.ts';
import type { Collaborators } from './collaborators.ts';
import { type Exchange, labelsOf } from './exchange.ts';

/** What a reply of our own making says: the labels of the exchange, and what is left of its limits. A forwarded response keeps its
 *  origin's word on limits. */
export function ownLabelsOf(deps: Collaborators, exchange: Exchange): ReplyLabels {
  const labels = labelsOf(exchange);
  const limits = linesOf(deps, exchange);
  return limits.length === 0 ? labels : { ...labels, limits };
}

/** Of an exchange that goes nowhere, with the gateway itself, all limits of its client that have one count. */
function linesOf(deps: Collaborators, exchange: Exchange): readonly LimitLine[] {
  const { admission } = exchange;
  if (admission === null || admission.pools.length > 0)
    return [...deps.limits.figures(exchange).map(limitLine), ...deps.quotas.lines(exchange)];
  const { client } = admission;
  return [...deps.limits.figuresOf(client).map(limitLine), ...deps.quotas.linesOf(client)];
}

/** A limit as replies and people are told of it. */
export function limitLine({ limit, left, backInMs }: LimitFigure): LimitLine {
  const { kind, name, most, pace } = limit;
  // Of a flow: what may pass within the next second.
  const rest = kind === 'bandwidth' && pace !== null ? most - Math.floor(pace.span / pace.cost) : 0;
  return {
    name,
    quota: most,
    windowS: pace === null ? null : wholeSeconds(pace.span / pace.ticksPerMs),
    unit: pace === null ? 'concurrent-requests' : kind === 'bandwidth' ? 'content-bytes' : 'requests',
    left: left + rest,
    backInS: backInMs === null ? null : wholeSeconds(backInMs),
  };
}

/** Rounded up, but not for what a division leaves behind the point. */
const wholeSeconds = (ms: number): number => Math.ceil(Math.round(ms) / 1_000);
