import type { CheckState } from '../admin/check-command.ts';
import { barOf, type Glyphs } from './glyphs.ts';

/** How often a line is printed where there is no terminal to redraw one, in ms. */
const PLAIN_MS = 5_000;

const LEAST_BAR = 8;
const MOST_BAR = 30;

/** Where progress is shown. */
export interface ProgressOutput {
  /** Columns; null where nothing can be redrawn. */
  readonly columns: () => number | null;
  readonly write: (text: string) => void;
  readonly glyphs: Glyphs;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

type Shown = Pick<CheckState, 'total' | 'done' | 'before' | 'byKind' | 'elapsedMs'>;

/** Shows how a check goes: one line that is drawn again, or a line now and then. */
export class CheckProgress {
  readonly #output: ProgressOutput;
  #drawn = false;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  show(state: Shown): void {
    const { columns, write, glyphs, now } = this.#output;
    const width = columns();
    if (width !== null) {
      write(`\r${progressLine(state, { width: width - 1, glyphs })}\x1b[K`);
      this.#drawn = true;
    } else if (now() - this.#saidAt >= PLAIN_MS) {
      this.#saidAt = now();
      write(`${plainLine(state)}\n`);
    }
  }

  /** Clears what was drawn. */
  end(): void {
    if (this.#drawn) this.#output.write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** The state in no more than `width` columns: first the kinds of failures go, then what else is least missed. */
export function progressLine(
  state: Shown,
  { width, glyphs }: { readonly width: number; readonly glyphs: Glyphs },
): string {
  const { total, done } = state;
  const share = total === 0 ? 1 : done / total;
  const count = `${Math.floor(share * 100)}% ${grouped(done)}/${grouped(total)}`;
  const okay = `ok ${grouped(state.byKind['ok'] ?? 0)}`;
  const { failed, kinds } = failuresOf(state);
  const pace = paceOf(state);
  const parts = [
    [count, okay, `failed ${grouped(failed)}${kinds === '' ? '' : ` (${kinds})`}`, ...pace],
    [count, okay, `failed ${grouped(failed)}`, ...pace],
    [count, okay, `failed ${grouped(failed)}`, ...pace.slice(-1)],
    [count, okay, `failed ${grouped(failed)}`],
    [count, okay],
    [count],
  ];
  const texts = parts.map((some) => some.join('  '));
  const text =
    texts.find(({ length }) => length + LEAST_BAR + 3 <= width) ?? texts.find(({ length }) => length <= width);
  if (text === undefined) return count.slice(0, width);
  const room = Math.min(MOST_BAR, width - text.length - 3);
  return room < LEAST_BAR ? text : `[${barOf(share, room, { glyphs, filled: true })}] ${text}`;
}

function plainLine(state: Shown): string {
  const { failed, kinds } = failuresOf(state);
  const parts = [
    `ok ${state.byKind['ok'] ?? 0}`,
    `failed ${failed}${kinds === '' ? '' : ` (${kinds})`}`,
    ...paceOf(state),
  ];
  return `checked ${state.done} of ${state.total}: ${parts.join(', ')}`;
}

function failuresOf({ byKind }: Shown): { readonly failed: number; readonly kinds: string } {
  const failures = Object.entries(byKind).filter(([kind]) => kind !== 'ok');
  failures.sort(([, a], [, b]) => b - a);
  const failed = failures.reduce((sum, [, count]) => sum + count, 0);
  return { failed, kinds: failures.map(([kind, count]) => `${kind} ${grouped(count)}`).join(' ') };
}

/** The rate of this run, and how long the rest takes at it. */
function paceOf({ total, done, before, elapsedMs }: Shown): string[] {
  const checked = done - before;
  if (checked === 0 || elapsedMs < 500) return [];
  const perSecond = checked / (elapsedMs / 1000);
  const rate = `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
  return done >= total ? [rate] : [rate, `${spanOf((total - done) / perSecond)} left`];
}

/** `18 s`, `3 min 5 s`, `2 h 10 min`. */
export function spanOf(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `10,000`. */
export const grouped = (count: number): string => count.toLocaleString('en-US');
