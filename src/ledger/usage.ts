import { BLOCKED, HELD, PROBE } from './booking.ts';
import { costOf, type ExactPrice, formatCost } from './money.ts';

/** Figures of one kind of end at one price, as the ledger gives them. */
export interface UsageSource {
  readonly keys: readonly string[];
  readonly kind: string;
  readonly exchanges: bigint;
  readonly attempts: bigint;
  readonly requests: bigint;
  readonly sent: bigint;
  readonly received: bigint;
  readonly ms: bigint;
  readonly price: ExactPrice | null;
  /** What it cost beside that, whatever was used. */
  readonly fixed?: { readonly currency: string; readonly cost: bigint };
}

/** What money and octets went into: answers that clients got; attempts that failed or were overtaken; pages that a site refused
 *  or challenged; exchanges that were cut, or whose client left; probes; exits that cost by the month. */
export const purposes = ['served', 'failed', 'blocked', 'cut', 'probes', 'held'] as const;
export type Purpose = (typeof purposes)[number];

/** Sums of a part of the ledger. Costs by currency, which are never added to each other, in units of 10^-21. */
export interface Usage {
  readonly exchanges: bigint;
  readonly attempts: bigint;
  readonly requests: bigint;
  readonly sent: bigint;
  readonly received: bigint;
  readonly ms: bigint;
  readonly cost: ReadonlyMap<string, bigint>;
  readonly spent: Readonly<Record<Purpose, { readonly octets: bigint; readonly cost: ReadonlyMap<string, bigint> }>>;
}

/** One group of a report, and its keys. */
export interface UsageRow extends Usage {
  readonly keys: readonly string[];
}

export interface UsageReport {
  readonly rows: readonly UsageRow[];
  readonly total: Usage;
}

/** Sums the sources by their keys, and all of them. */
export function reportUsage(sources: readonly UsageSource[]): UsageReport {
  const rows = new Map<string, Sums & { readonly keys: readonly string[] }>();
  const total = new Sums();
  for (const source of sources) {
    const key = source.keys.join('\n');
    let row = rows.get(key);
    if (row === undefined) {
      row = Object.assign(new Sums(), { keys: source.keys });
      rows.set(key, row);
    }
    row.add(source);
    total.add(source);
  }
  return { rows: [...rows.values()], total };
}

/** What an end of this kind was good for. */
function purposeOf(kind: string): Purpose {
  if (kind === 'ok') return 'served';
  if (kind === BLOCKED) return 'blocked';
  if (kind === PROBE) return 'probes';
  if (kind === HELD) return 'held';
  return kind === 'cut' || kind === 'client_left' ? 'cut' : 'failed';
}

/** Costs as exact decimal numbers by currency. */
export function formatCosts(costs: ReadonlyMap<string, bigint>): Record<string, string> {
  return Object.fromEntries([...costs].sort().map(([currency, cost]) => [currency, formatCost(cost)]));
}

class Sums implements Usage {
  exchanges = 0n;
  attempts = 0n;
  requests = 0n;
  sent = 0n;
  received = 0n;
  ms = 0n;
  readonly cost = new Map<string, bigint>();
  readonly spent = {
    served: { octets: 0n, cost: new Map<string, bigint>() },
    failed: { octets: 0n, cost: new Map<string, bigint>() },
    blocked: { octets: 0n, cost: new Map<string, bigint>() },
    cut: { octets: 0n, cost: new Map<string, bigint>() },
    probes: { octets: 0n, cost: new Map<string, bigint>() },
    held: { octets: 0n, cost: new Map<string, bigint>() },
  };

  add({ kind, exchanges, attempts, requests, sent, received, ms, price, fixed }: UsageSource): void {
    const octets = sent + received;
    this.exchanges += exchanges;
    this.attempts += attempts;
    this.requests += requests;
    this.sent += sent;
    this.received += received;
    this.ms += ms;
    const part = this.spent[purposeOf(kind)];
    part.octets += octets;
    const costs = fixed === undefined ? [] : [fixed];
    if (price !== null) costs.push({ currency: price.currency, cost: costOf(price, octets, requests) });
    for (const { currency, cost } of costs)
      for (const sums of [this.cost, part.cost]) sums.set(currency, (sums.get(currency) ?? 0n) + cost);
  }
}
