/** Metrics as text, for Prometheus and all that read its format. Source: prometheus.io/docs/instrumenting/exposition_formats,
 *  text format 0.0.4. */

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

/** One figure of a family. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One histogram of a family. */
export interface HistogramSample {
  readonly labels?: Labels;
  /** The greatest value of each bucket but the last, growing. */
  readonly bounds: readonly number[];
  /** How many values fell into each bucket; one more than bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** All that is told under one name: a metric's or label's name is of the characters that names may have, and no name comes twice. */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] }
);

/** The families as one text. One without samples is left out. */
export function exposition(families: readonly Family[]): string {
  return families.map(familyText).join('');
}

function familyText(family: Family): string {
  const { name, help, type } = family;
  const lines = type === 'histogram' ? family.samples.map(histogramLines(name)) : family.samples.map(sampleLine(name));
  if (lines.length === 0) return '';
  const escaped = help.replace(/[\\\n]/g, escapeOf);
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function sampleLine(name: string): (sample: Sample) => string {
  return ({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}\n`;
}

/** Buckets are told as so many up to here. The count is that of all buckets, so that the two never disagree, even where the
 *  figures move while they are read. */
function histogramLines(name: string): (sample: HistogramSample) => string {
  return ({ labels, bounds, counts, sum }) => {
    let total = 0;
    const buckets = counts.map((count, bucket) => {
      total += count;
      const le = numberText(bounds[bucket] ?? Number.POSITIVE_INFINITY);
      return sampleLine(`${name}_bucket`)({ labels: { ...labels, le }, value: total });
    });
    const [sumLine, countLine] = [sampleLine(`${name}_sum`), sampleLine(`${name}_count`)];
    return buckets.join('') + sumLine({ labels, value: sum }) + countLine({ labels, value: total });
  };
}

function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeOf)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapeOf = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);

/** As Go's ParseFloat reads it. */
function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : `${value}`;
}
