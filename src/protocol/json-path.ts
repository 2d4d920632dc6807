import { failed, type Parsed, parsed } from './decoded.ts';

/** A step down into a JSON value: a member by its name, an element by its index from 0, or all elements of a list. */
export type JsonStep = { readonly name: string } | { readonly index: number } | 'all';

/** A way from a JSON value to values within it. */
export type JsonPath = readonly JsonStep[];

/** Longer ways nobody needs. */
const MOST_STEPS = 32;

const stepPattern =
  /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(?:'([^'\\\x00-\x1f]*)'|"([^"\\\x00-\x1f]*)"|(0|[1-9][0-9]{0,8})|(\*))\]/y;

/** Reads a path of JSONPath (RFC 9535) that uses no more of it than `$`, `.name`, `['name']`, `[0]` and `[*]`. The fault names the
 *  character where it ceases to be one, from 1. */
export function parseJsonPath(text: string): Parsed<JsonPath> {
  if (!text.startsWith('$')) return failed('bad_request', 'a path begins with $, which is the whole');
  const pattern = new RegExp(stepPattern);
  const steps: JsonStep[] = [];
  for (let at = 1; at < text.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return failed('bad_request', `at character ${at + 1} expected .name, ['name'], [0] or [*]`);
    if (steps.length === MOST_STEPS) return failed('bad_request', `a path has ${MOST_STEPS} steps at most`);
    const [, name, single, double, index] = found;
    const member = name ?? single ?? double;
    steps.push(member !== undefined ? { name: member } : index === undefined ? 'all' : { index: Number(index) });
  }
  return parsed(steps);
}

/** Whether the path can lead to more than one value. */
export function leadsToMany(path: JsonPath): boolean {
  return path.includes('all');
}

/** All values that the path leads to, in order; none where a step finds nothing. */
export function selectAll(path: JsonPath, value: unknown): unknown[] {
  return path.reduce<unknown[]>((values, step) => values.flatMap((from) => [...follow(step, from)]), [value]);
}

function follow(step: JsonStep, value: unknown): readonly unknown[] {
  if (step === 'all') return Array.isArray(value) ? value : [];
  if ('index' in step) return Array.isArray(value) && step.index < value.length ? [value[step.index]] : [];
  const has = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, step.name);
  return has ? [Reflect.get(value, step.name)] : [];
}
