import type { Endpoint } from '../protocol/endpoint.ts';
import { EndpointSet } from './endpoint-set.ts';
import type { ListedExit } from './list-formats/listed-exit.ts';
import { pipe } from './list-formats/pipe.ts';

/** How one list differs from another. */
export interface ChangeCounts {
  readonly added: number;
  /** Exits whose place or name is another. */
  readonly changed: number;
  readonly removed: number;
  /** Exits that stay as they are. */
  readonly unchanged: number;
  /** Exits that the new list names more than once. */
  readonly duplicates: number;
}

/** What became of an exit of the new list. */
export type Verdict = 'added' | 'changed' | 'unchanged' | 'duplicate';

const SEEN = 1;
const CHANGED = 2;
const WRITTEN = 4;

/** Tells what a list becomes when another one is merged into it, or takes its place. Exits pass by one by one, and of none more is
 *  kept than a digest: first all that stand, then all that come, then those that stand once again, to be kept or not. */
export class ListChange {
  readonly #replaces: boolean;
  readonly #endpoints = new EndpointSet();
  /** What is known of each endpoint: the marks above, and a hash of its line. */
  #marks = new Uint8Array(1024);
  #lines = new Int32Array(1024);
  #standing = 0;
  #seen = 0;
  #added = 0;
  #changed = 0;
  #duplicates = 0;

  constructor({ replaces }: { readonly replaces: boolean }) {
    this.#replaces = replaces;
  }

  get counts(): ChangeCounts {
    const removed = this.#replaces ? this.#standing - this.#seen : 0;
    const unchanged = this.#standing - removed - this.#changed;
    return { added: this.#added, changed: this.#changed, removed, unchanged, duplicates: this.#duplicates };
  }

  /** Whether less than half of the exits are left that stood: what a fetch that failed half-way leaves behind passes for a list. */
  get shrinks(): boolean {
    return this.#replaces && this.exits * 2 < this.#standing;
  }

  /** How many exits stood, and how many there will be. */
  get before(): number {
    return this.#standing;
  }

  get exits(): number {
    return this.#standing - this.counts.removed + this.#added;
  }

  /** Whether no exit came. */
  get cameNone(): boolean {
    return this.#seen + this.#added === 0;
  }

  /** An exit that stands. */
  stands(exit: ListedExit): void {
    const number = this.#numberOf(exit.endpoint);
    if (number < this.#standing) return;
    this.#standing += 1;
    this.#lines[number] = hashOf(canonicalLine(exit));
  }

  /** An exit that comes; no other stands after this. One of which nothing is told but the endpoint leaves what stands as it is. */
  comes(exit: ListedExit): Verdict {
    const number = this.#numberOf(exit.endpoint);
    const marks = this.#marks[number] ?? 0;
    this.#marks[number] = marks | SEEN;
    if ((marks & SEEN) !== 0) {
      this.#duplicates += 1;
      return 'duplicate';
    }
    if (number >= this.#standing) {
      this.#added += 1;
      return 'added';
    }
    this.#seen += 1;
    const isPlain = exit.name === null && Object.keys(exit.geo).length === 0;
    if (isPlain || this.#lines[number] === hashOf(canonicalLine(exit))) return 'unchanged';
    this.#marks[number] = marks | SEEN | CHANGED;
    this.#changed += 1;
    return 'changed';
  }

  /** Whether an exit that stands stays, in the line that it has. True once for each. */
  stays(exit: ListedExit): boolean {
    const number = this.#endpoints.find(exit.endpoint);
    const marks = this.#marks[number] ?? 0;
    if (number < 0 || (marks & (CHANGED | WRITTEN)) !== 0) return false;
    this.#marks[number] = marks | WRITTEN;
    return !this.isRemoved(exit);
  }

  /** Whether an exit that stands is named no more. */
  isRemoved(exit: ListedExit): boolean {
    return this.#replaces && ((this.#marks[this.#endpoints.find(exit.endpoint)] ?? 0) & SEEN) === 0;
  }

  #numberOf(endpoint: Endpoint): number {
    const number = this.#endpoints.intern(endpoint);
    if (number < this.#marks.length) return number;
    const marks = new Uint8Array(this.#marks.length * 2);
    const lines = new Int32Array(this.#lines.length * 2);
    marks.set(this.#marks);
    lines.set(this.#lines);
    this.#marks = marks;
    this.#lines = lines;
    return number;
  }
}

/** An exit as a list of our own has it: a URL, and what is known of its place. */
function canonicalLine(exit: ListedExit): string {
  return pipe.write(exit) ?? '';
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
