import type { Exit } from '../pool/exit.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import type { Tier } from '../protocol/params.ts';
import type { Geo } from '../protocol/places.ts';
import type { ExitSeen } from './probe-view.ts';

/** How an exit stands: what an operator said of it or of its pool first, then what was seen of it. `cooling`: it failed, and is left
 *  alone for a while. */
export const exitStatuses = ['ok', 'failing', 'cooling', 'draining', 'frozen', 'retired', 'disabled'] as const;
export type ExitStatus = (typeof exitStatuses)[number];

/** What the running gateway knows of an exit. Durations in ms. */
export interface ExitFigures {
  /** As measured of late; null where it wasn't. */
  readonly latencyMs: number | null;
  readonly inFlight: number;
  readonly failuresInRow: number;
  /** How long it stays ejected from now on; 0 where it isn't. */
  readonly ejectedForMs: number;
  /** Of its attempts of late, the share whose way worked; null where there were none. */
  readonly success: number | null;
  /** How long ago it last worked; null where it never did. */
  readonly workedAgoMs: number | null;
  /** Exchanges that sites served, and that they refused or challenged, as far as is known. */
  readonly served: number;
  readonly refused: number;
}

/** An exit as it is shown to an operator: without its credential. */
export interface ExitView extends Geo {
  readonly id: string;
  readonly pool: string;
  readonly tier: Tier;
  readonly name: string | null;
  /** `scheme://host:port`, or `direct`. */
  readonly endpoint: string;
  /** Its endpoint carries a session id that was made here. */
  readonly minted: boolean;
  readonly status: ExitStatus;
  /** Null where no gateway runs. */
  readonly live: ExitFigures | null;
  /** Null where no probe has asked it yet. */
  readonly seen: ExitSeen | null;
}

/** What is known of exits beside their facts. */
export interface ExitKnowledge {
  /** What is known now of the exit in a slot, null where nothing can be. */
  readonly figures: (slot: number) => ExitFigures | null;
  readonly statusOf: (slot: number) => ExitStatus;
  /** What probes saw of an exit. */
  readonly seen: (exit: Exit) => ExitSeen | null;
  /** The ids of all exits that probes saw. */
  readonly everSeen: () => Iterable<string>;
}

/** The exit in a slot, as it is shown. */
export function exitView(exit: Exit, slot: number, known: ExitKnowledge): ExitView {
  const { id, pool, tier, name, minted, geo } = exit;
  const endpoint = formatEndpoint(exit.endpoint);
  const [status, live, seen] = [known.statusOf(slot), known.figures(slot), known.seen(exit)];
  return { id, pool, tier, name, endpoint, minted, ...geo, status, live, seen };
}
