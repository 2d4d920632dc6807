/** What bars are drawn with. */
export interface Glyphs {
  /** From an eighth of a column to a whole one; or just whole ones. */
  readonly parts: readonly string[];
  readonly empty: string;
}

const blocks: Glyphs = { parts: ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'], empty: '░' };
const plain: Glyphs = { parts: ['#'], empty: '.' };

/** Blocks where the terminal's character set has them, by the environment; plain characters otherwise. */
export function glyphsOf(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return env['TERM'] !== 'dumb' && /utf-?8/i.test(locale) ? blocks : plain;
}

/** A bar over `share` (0…1) of `width` columns, in eighths of a column where there are such. `filled` fills it up to its width. */
export function barOf(share: number, width: number, { glyphs, filled }: { glyphs: Glyphs; filled: boolean }): string {
  const steps = glyphs.parts.length;
  const length = Math.max(0, Math.min(width * steps, Math.round(share * width * steps)));
  const whole = Math.floor(length / steps);
  const rest = length % steps;
  const part = rest === 0 ? '' : (glyphs.parts[rest - 1] ?? '');
  const bar = (glyphs.parts[steps - 1] ?? '').repeat(whole) + part;
  return filled ? bar + glyphs.empty.repeat(width - whole - (part === '' ? 0 : 1)) : bar;
}
