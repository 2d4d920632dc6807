import type { StaticDecode, TSchema } from 'typebox';
import type { TLocalizedValidationError } from 'typebox/error';
import { Settings } from 'typebox/system';
import { Decode, Default, Errors } from 'typebox/value';
import { type ConfigFault, type Path, shownKey } from './fault.ts';
import { closest } from './suggestion.ts';
import type { YamlFile } from './yaml-file.ts';

/** So many errors of one document are looked at. One wrong value has several, of which most say nothing to an operator. */
const MOST_ERRORS = 100_000;

/** A document's value as its schema decodes it, or all that is wrong with it. */
export type Checked<Schema extends TSchema> =
  | { readonly ok: true; readonly value: StaticDecode<Schema> }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

interface Subject {
  readonly yaml: YamlFile;
  readonly schema: TSchema;
  readonly value: unknown;
  /** Where the value stands in the document. */
  readonly base: Path;
}

/** Checks `value`, which stands at `base` in `yaml`: fills in the schema's defaults, judges, and decodes units and ranges. Faults
 *  say what was expected, never what was found but for its type. */
export function checkDocument<Schema extends TSchema>(schema: Schema, from: Omit<Subject, 'schema'>): Checked<Schema> {
  // The library stops at eight, for the whole process, unless told.
  Settings.Set({ maxErrors: MOST_ERRORS });
  const written = Default(schema, from.value);
  const found = Errors(schema, written);
  const value = digitsAsTexts(found, { ...from, schema, value: written });
  const errors = value === written ? found : Errors(schema, value);
  if (errors.length === 0) return { ok: true, value: Decode(schema, value) };
  const faults = new Map<string, ConfigFault>();
  for (const fault of errors.flatMap((error) => faultsOf(error, { ...from, schema, value }))) {
    if (!faults.has(fault.path)) faults.set(fault.path, fault);
  }
  return { ok: false, faults: [...faults.values()] };
}

/** The value with digits of variables as texts where a text fits and a number doesn't: a password may be nothing else, and no quotes
 *  around its variable would help. */
function digitsAsTexts(errors: readonly TLocalizedValidationError[], subject: Subject): unknown {
  const { schema, value, yaml } = subject;
  const written = new Map<string, string>();
  for (const { instancePath } of errors) {
    const digits = yaml.digitsAt(follow(subject, instancePath).path);
    if (digits !== undefined) written.set(instancePath, digits);
  }
  if (written.size === 0) return value;
  const unfit = new Set(Errors(schema, withTexts(value, written)).map(({ instancePath }) => instancePath));
  return withTexts(value, new Map([...written].filter(([pointer]) => !unfit.has(pointer))));
}

/** A copy with other values at some places, named by JSON pointers. */
function withTexts(value: unknown, texts: ReadonlyMap<string, string>): unknown {
  const copy = structuredClone(value);
  for (const [pointer, text] of texts) {
    const path = steps(pointer);
    const holder = path.slice(0, -1).reduce<unknown>(property, copy);
    if (typeof holder === 'object' && holder !== null) Reflect.set(holder, path.at(-1) ?? '', text);
  }
  return copy;
}

/** What one error of the schema library means to an operator; nothing where another error of the same place says it better. */
function faultsOf(error: TLocalizedValidationError, subject: Subject): ConfigFault[] {
  if (error.keyword === 'boolean' || error.schemaPath.includes('/anyOf/')) return [];
  const { yaml } = subject;
  const { path, value } = follow(subject, error.instancePath);
  if (error.keyword === 'additionalProperties') {
    const unknown = error.params.additionalProperties;
    return unknown.map((key) => yaml.faultAt([...path, key], unknownKey(key, schemaAt(subject.schema, error)), 'key'));
  }
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((key) => yaml.faultAt([...path, key], 'is missing'));
  }
  if (error.keyword === '~refine') return [yaml.faultAt(path, error.message)];
  const expected = `expected ${property(schemaAt(subject.schema, error), 'description')}`;
  return [
    yaml.faultAt(path, error.keyword === 'type' || value === null ? `${expected}, found ${kindOf(value)}` : expected),
  ];
}

function unknownKey(key: string, schema: unknown): string {
  const known = Object.keys(property(schema, 'properties') ?? {});
  const meant = closest(key, known);
  return meant === null
    ? `unknown key; known are ${known.join(', ')}`
    : `unknown key: did you mean ${shownKey(meant)}?`;
}

/** The place that a JSON pointer (RFC 6901) names in the checked value. */
function follow({ value, base }: Subject, pointer: string): { path: Path; value: unknown } {
  let found = value;
  const path = [...base];
  for (const step of steps(pointer)) {
    path.push(Array.isArray(found) ? Number(step) : step);
    found = property(found, step);
  }
  return { path, value: found };
}

function schemaAt(schema: TSchema, { schemaPath }: TLocalizedValidationError): unknown {
  return steps(schemaPath.slice(1)).reduce<unknown>(property, schema);
}

function steps(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  const kinds = new Map([
    ['string', 'a text'],
    ['number', 'a number'],
    ['boolean', 'true or false'],
  ]);
  return kinds.get(typeof value) ?? 'a mapping';
}
