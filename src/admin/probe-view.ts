import type { Geo } from '../protocol/places.ts';

/** What probes saw of an exit. Country codes are lower-case, `asn` is digits. */
export interface ExitSeen {
  /** ISO 8601. */
  readonly at: string;
  readonly source: 'probe' | 'check';
  /** `page`, `tunnel` or `handshake`: what it was asked. */
  readonly asked: string;
  /** `ok`, or why not. */
  readonly kind: string;
  readonly ms: number;
  readonly address: string | null;
  readonly country: string | null;
  readonly asn: string | null;
  /** Where that differs from what its pool says; null where it doesn't, or nobody can tell. */
  readonly mismatch: string | null;
}

/** How a pool is probed. */
export interface PoolProbingView {
  /** Targets, or what is asked without one. */
  readonly targets: readonly string[];
  /** The day, and its octets: allowed, spent (those of probes under way at their most), and left. */
  readonly day: string;
  readonly budget: number;
  readonly spent: number;
  readonly left: number;
  /** Probes since the gateway started, by how they ended, and their octets. */
  readonly byKind: Readonly<Record<string, number>>;
  readonly octets: number;
}

/** `claimed us, seen de`; null where all that is known of both agrees. */
export function mismatchOf(
  claimed: Geo,
  seen: { readonly country: string | null; readonly asn: string | null },
): string | null {
  const parts: string[] = [];
  if (claimed.country !== undefined && seen.country !== null && claimed.country !== seen.country)
    parts.push(`claimed ${claimed.country}, seen ${seen.country}`);
  if (claimed.asn !== undefined && seen.asn !== null && claimed.asn !== seen.asn)
    parts.push(`claimed AS${claimed.asn}, seen AS${seen.asn}`);
  return parts.length === 0 ? null : parts.join('; ');
}
