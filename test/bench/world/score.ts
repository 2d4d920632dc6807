import type { AccessLine } from '../../support/gateway.ts';
import { type Crawled, deadlineMs } from './crawler.ts';
import type { WorldFigures } from './world.ts';

/** The share of a run, at its beginning, that isn't scored. */
const warmUpShare = 0.1;

/** What one strategy achieved. Shares from 0 to 1, times in ms. */
export interface Score {
  readonly pages: number;
  /** The first attempt of all brought the page. */
  readonly firstTryOk: number;
  readonly ok: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** All time spent, failures at the deadline, over the pages that came. */
  readonly msPerPage: number;
  /** Answers of sites that were no page, per 1,000 pages wanted, warm-up included. */
  readonly refusals: number;
  readonly attemptsPerPage: number;
  /** Exits used at all. */
  readonly distinctExits: number;
  /** Entropy of use over its maximum: 1 where all exits are used alike. */
  readonly evenness: number;
}

/** Scores a run: `log` is the gateway's access log, which knows the attempts of each exchange. */
export function scoreOf(
  crawled: readonly Crawled[],
  { log, figures }: { log: readonly AccessLine[]; figures: WorldFigures },
): Score {
  const attempts = new Map(
    log.map((line) => [line['id'], Array.isArray(line['attempts']) ? line['attempts'].length : 1]),
  );
  const scored = crawled.filter(({ page }) => page.number >= crawled.length * warmUpShare);
  const waits = scored.map(({ ok, ms }) => (ok ? ms : deadlineMs)).sort((a, b) => a - b);
  const quantile = (share: number) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0;
  const came = scored.filter(({ ok }) => ok).length;
  const first = scored.filter(({ ok, asks }) => ok && asks.length === 1 && (attempts.get(asks[0]) ?? 1) === 1).length;
  const { refused, challenged, disguised } = figures.verdicts;
  const uses = figures.uses.filter((count) => count > 0);
  const all = sum(uses);
  return {
    pages: scored.length,
    firstTryOk: first / scored.length,
    ok: came / scored.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    msPerPage: sum(waits) / Math.max(1, came),
    refusals: (1_000 * (refused + challenged + disguised)) / crawled.length,
    attemptsPerPage: all / crawled.length,
    distinctExits: uses.length,
    evenness: evennessOf(uses, Math.min(figures.uses.length, all)),
  };
}

function evennessOf(uses: readonly number[], most: number): number {
  const all = sum(uses);
  const entropy = sum(uses.map((count) => -(count / all) * Math.log(count / all)));
  return most > 1 ? entropy / Math.log(most) : 1;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
