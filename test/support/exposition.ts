/** A strict reader of the text format 0.0.4 of Prometheus: throws at whatever the format or its conventions forbid. */

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/** All families by name. */
export type Page = ReadonlyMap<string, ParsedFamily>;

const metricName = '[a-zA-Z_][a-zA-Z0-9_]*';
const helpLine = new RegExp(`^# HELP (${metricName}) ((?:[^\\\\]|\\\\\\\\|\\\\n)+)$`);
const typeLine = new RegExp(`^# TYPE (${metricName}) (counter|gauge|histogram)$`);
const valueText = '[+-]?(?:Inf|\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|NaN';
const sampleLine = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (${valueText})$`, 's');
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,(?=[a-zA-Z_])|$)/y;

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character));

const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'));

export function parseExposition(text: string): Page {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const lines = text.slice(0, -1).split('\n');
  const families = new Map<string, { type: string; help: string; samples: ParsedSample[] }>();
  for (let at = 0; at < lines.length; ) {
    const help = helpLine.exec(lines[at++] ?? '');
    const type = typeLine.exec(lines[at++] ?? '');
    if (help === null || type === null || help[1] !== type[1])
      throw new Error(`no HELP and TYPE before line ${at + 1}`);
    const name = help[1] ?? '';
    if (families.has(name)) throw new Error(`${name} comes twice`);
    const samples: ParsedSample[] = [];
    for (; at < lines.length && !lines[at]?.startsWith('#'); at++) samples.push(parseSample(lines[at] ?? ''));
    families.set(name, { type: type[2] ?? '', help: unescaped(help[2] ?? ''), samples });
  }
  for (const [name, family] of families) check(name, family);
  return families;
}

function parseSample(line: string): ParsedSample {
  const found = sampleLine.exec(line);
  if (found === null) throw new Error(`no sample: ${line}`);
  const [, name = '', text = '', value = ''] = found;
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  for (let at = 0; at < text.length; at = labelPair.lastIndex) {
    const pair = labelPair.exec(text);
    if (pair === null) throw new Error(`no labels: ${text}`);
    const [, label = '', escaped = ''] = pair;
    if (label in labels) throw new Error(`${label} comes twice: ${line}`);
    labels[label] = unescaped(escaped);
  }
  return { name, labels, value: numberOf(value) };
}

function check(name: string, { type, samples }: ParsedFamily): void {
  const seen = new Set(samples.map((sample) => JSON.stringify([sample.name, Object.entries(sample.labels).sort()])));
  if (samples.length === 0 || seen.size < samples.length) throw new Error(`${name} has no samples, or one twice`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} counts below 0`);
  if (type === 'histogram') checkHistogram(name, samples);
  else if (samples.some((sample) => sample.name !== name)) throw new Error(`other samples stand under ${name}`);
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.slice(0, -2);
    const [sum, count] = group.slice(-2);
    const bounds = buckets.map(({ labels }) => numberOf(labels.le ?? 'NaN'));
    const grows = (values: readonly number[], least: number) =>
      values.every((value, i) => value - (values[i - 1] ?? Number.NEGATIVE_INFINITY) >= least);
    const isWhole =
      buckets.every((bucket) => bucket.name === `${name}_bucket`) &&
      sum?.name === `${name}_sum` &&
      count?.name === `${name}_count` &&
      bounds.at(-1) === Number.POSITIVE_INFINITY &&
      grows(bounds, Number.MIN_VALUE) &&
      grows(
        buckets.map(({ value }) => value),
        0,
      ) &&
      buckets.at(-1)?.value === count.value;
    if (!isWhole) throw new Error(`${name} ${key} is no histogram`);
  }
}

/** The sum of a family's samples of this very name (the family's own unless told) that carry these labels. */
export function totalOf(
  page: Page,
  family: string,
  labels: Readonly<Record<string, string>> = {},
  name = family,
): number {
  const found = page
    .get(family)
    ?.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  if (found === undefined || found.length === 0) throw new Error(`no ${name} ${JSON.stringify(labels)}`);
  return found.reduce((total, { value }) => total + value, 0);
}

/** Counts of `before` that are less in `after`, or gone: none should be. */
export function goneBack(before: Page, after: Page): readonly string[] {
  return [...before].flatMap(([family, { type, samples }]) => {
    if (type === 'gauge') return [];
    const fell = samples.filter(({ name, labels, value }) => totalOf(after, family, labels, name) < value);
    return fell.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
  });
}
