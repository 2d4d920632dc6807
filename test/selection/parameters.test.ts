import test from 'ava';
import { loadConfig } from '../../src/config/load.ts';
import { type ParameterName, parametersOf, parameterTable } from '../../src/selection/parameters.ts';

test('every parameter has a value within its bounds, a unit or none, and a reason', (t) => {
  for (const [name, { value, least, most, why }] of Object.entries(parameterTable)) {
    t.true(value >= least && value <= most, name);
    t.true(why.length > 20, name);
  }
});

test('config takes each by its name, in its unit, within its bounds; what is not written is the default', (t) => {
  const load = (text: string) => loadConfig('f.yaml', { env: {}, readText: () => text });
  const empty = load('');
  t.deepEqual(empty.ok && empty.config.selection, { ...parametersOf() });
  const some = load('selection: { spread: 0.5, money: 0, holdFor: 3s, ring: 40 }');
  const changed = { spread: 0.5, money: 0, holdFor: 3_000, ring: 40 };
  t.deepEqual(some.ok && some.config.selection, { ...parametersOf(changed) });
  for (const name of Object.keys(parameterTable) as ParameterName[]) {
    const { unit, most } = parameterTable[name];
    const beyond = unit === 'ms' ? `${most + 1}ms` : String(most + 1);
    t.false(load(`selection: { ${name}: ${beyond} }`).ok, name);
  }
  t.false(load('selection: { sprad: 1 }').ok);
});
