import type { ProbeResult } from '../gateway/probe/probe.ts';
import type { ExitRows } from '../memory/exit-rows.ts';
import type { Exit } from '../pool/exit.ts';
import { chargesExit, isAmbiguous } from '../selection/outcome.ts';
import type { PathFailure } from '../selection/path-beliefs.ts';
import type { SlotRef } from '../selection/request.ts';
import type { Selection } from '../selection/selection.ts';

/** How long a target is known to work since an exit last reached it, in ms. */
const TARGET_TRUST_MS = 10 * 60_000;

export interface ProbedExit {
  readonly at: SlotRef;
  readonly exit: Exit;
  readonly result: ProbeResult;
  /** Names the target, for what is known of it over all exits. */
  readonly targetKey: string;
}

export interface ProbeLessonsOptions {
  /** The control thread's own, over the tables that all threads share. */
  readonly selection: () => Selection;
  readonly rows: ExitRows;
  readonly now: () => number;
}

/** Lets selection learn from probes, as from live traffic. A failure that may be the target's is charged to the exit only while the
 *  target is known to work over another exit. */
export class ProbeLessons {
  readonly #options: ProbeLessonsOptions;
  readonly #reached = new Map<string, { readonly slot: number; readonly at: number }>();

  constructor(options: ProbeLessonsOptions) {
    this.#options = options;
  }

  /** Returns what was learned of the exit: that it works, that it doesn't, or nothing. */
  learn({ at, exit, result, targetKey }: ProbedExit): 'works' | 'fails' | 'nothing' {
    const { selection, now } = this.#options;
    const moment = now();
    if (result.kind === 'ok') return this.#worked(at, exit, { result, targetKey });
    // The failure of what carries it is none of its own.
    if (selection().providers.isDown(at.slot) || !this.#isExits(at, result, targetKey)) return 'nothing';
    selection().failed(at, howOf(result), { ms: result.ms, now: moment, ofMany: exit.mint !== null });
    return 'fails';
  }

  #worked(
    at: SlotRef,
    exit: Exit,
    { result, targetKey }: { readonly result: ProbeResult; readonly targetKey: string },
  ): 'works' | 'nothing' {
    const { selection, rows, now } = this.#options;
    const errand = { site: -1, rings: [], queued: 0, now: now() };
    if (result.asked !== 'handshake') {
      this.#reached.set(targetKey, { slot: at.slot, at: now() });
      selection().arrived(at, result.ms, errand);
      return 'works';
    }
    // An endpoint that answers says nothing of the peers behind it, and nothing of how long a page takes: it only lets off an exit
    // that had failed, and that is its endpoint.
    if (exit.minted || rows.missesOf(at.slot) === 0) return 'nothing';
    selection().arrived(at, selection().expectedMs(at.slot, -1, now()), errand);
    return 'works';
  }

  #isExits({ slot }: SlotRef, { kind, stage, asked }: ProbeResult, targetKey: string): boolean {
    if (kind === 'ok') return false;
    if (stage === 'exit' && !isAmbiguous({ kind })) return chargesExit(kind);
    if (stage === 'exit' && asked === 'handshake') return true;
    const reached = this.#reached.get(targetKey);
    return reached !== undefined && reached.slot !== slot && this.#options.now() - reached.at < TARGET_TRUST_MS;
  }
}

function howOf({ kind }: ProbeResult): PathFailure {
  if (kind === 'exit_timeout' || kind === 'origin_timeout') return 'timed_out';
  return kind === 'exit_refused' ? 'refused' : 'broke';
}
