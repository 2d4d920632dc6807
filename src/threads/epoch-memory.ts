import type { ExitRows } from '../memory/exit-rows.ts';
import { IdEpochs } from '../memory/id-epochs.ts';
import { AtomicWords } from '../memory/words.ts';
import { MOST_EXITS } from './selection-memory.ts';

/** The epochs of all slots, as a buffer that all threads share; all that can ever be: address space, of which the system gives
 *  what is used. */
export interface EpochMemory {
  readonly words: SharedArrayBuffer;
  /** From the monotonic clock to the seconds that epochs are, in s: epochs go on over restarts. */
  readonly offsetS: number;
}

export function createEpochMemory(offsetS: number): EpochMemory {
  return {
    words: new SharedArrayBuffer(IdEpochs.wordsFor(MOST_EXITS) * Int32Array.BYTES_PER_ELEMENT),
    offsetS,
  };
}

/** The epochs as one thread sees them: where an id is followed by another, the exit's row begins anew. */
export function idEpochs({ words, offsetS }: EpochMemory, rows: ExitRows): IdEpochs {
  return new IdEpochs(new AtomicWords(words), { offsetS, onRenewed: (slot, now) => rows.renew(slot, now) });
}
