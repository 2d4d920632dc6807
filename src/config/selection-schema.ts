import Type from 'typebox';
import { parseDuration } from '../protocol/units.ts';
import { type Parameter, type ParameterName, parameterTable } from '../selection/parameters.ts';
import type { Reading } from './fault.ts';
import * as t from './schema-terms.ts';

/** `selection` in the configuration: each parameter by its name, in its unit, within its bounds. A duration is written as one. */
export const selection = t.section(
  Object.fromEntries(Object.entries(parameterTable).map(([name, parameter]) => [name, termOf(parameter)])) as Record<
    ParameterName,
    ReturnType<typeof termOf>
  >,
);

function termOf({ value, least, most, unit }: Parameter) {
  const description = unit === 'ms' ? `a duration from ${least}ms to ${most}ms` : `a number from ${least} to ${most}`;
  const number = Type.Number({ minimum: least, maximum: most, description, default: value });
  if (unit === 'exits') return Type.Integer({ minimum: least, maximum: most, description, default: value });
  return unit === 'ms' ? t.meaning(description, (text) => durationOf(text, { least, most }), `${value}ms`) : number;
}

function durationOf(text: string, { least, most }: { least: number; most: number }): Reading<number> {
  const reading = parseDuration(text);
  const fits = reading.ok && reading.value >= least && reading.value <= most;
  return !reading.ok || fits ? reading : { ok: false, message: `expected a duration from ${least}ms to ${most}ms` };
}
