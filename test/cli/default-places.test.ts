import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { placesOf } from '../../src/cli/default-places.ts';

/** A package with a configuration of its own, in a project without one, which is where this process works meanwhile. */
function install(t: ExecutionContext, ...place: readonly string[]) {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'roundabout-places-')));
  const before = process.cwd();
  t.teardown(() => {
    process.chdir(before);
    rmSync(project, { recursive: true });
  });
  const folder = join(project, ...place);
  mkdirSync(join(folder, 'config'), { recursive: true });
  writeFileSync(join(folder, 'config', 'roundabout.yaml'), '');
  process.chdir(project);
  return { project, folder: folder + sep, shipped: join(folder, 'config', 'roundabout.yaml') };
}

const nothing = { config: undefined, data: undefined };

test.serial('an installed package keeps no data in itself', (t) => {
  const { project, folder, shipped } = install(t, 'node_modules', 'roundabout-gateway');
  const data = join(project, 'data');
  t.deepEqual(placesOf(nothing, folder), {
    configFile: shipped,
    dataOverride: data,
    isPackages: true,
    leftBehind: null,
  });
  t.is(placesOf({ ...nothing, data: 'other' }, folder).dataOverride, join(project, 'other'));
});

test.serial('a configuration that is here, or is named, says itself where the data are', (t) => {
  const { project, folder } = install(t, 'node_modules', 'roundabout-gateway');
  const named = { configFile: 'mine.yaml', dataOverride: undefined, isPackages: false, leftBehind: null };
  t.deepEqual(placesOf({ ...nothing, config: 'mine.yaml' }, folder), named);
  mkdirSync(join(project, 'config'));
  writeFileSync(join(project, 'config', 'roundabout.yaml'), '');
  const here = {
    configFile: join('config', 'roundabout.yaml'),
    dataOverride: undefined,
    isPackages: false,
    leftBehind: null,
  };
  t.deepEqual(placesOf(nothing, folder), here);
});

test.serial('a checkout keeps its data, wherever it is asked from', (t) => {
  const { folder, shipped } = install(t, 'roundabout');
  t.deepEqual(placesOf(nothing, folder), {
    configFile: shipped,
    dataOverride: undefined,
    isPackages: false,
    leftBehind: null,
  });
});

test.serial('so it does where its own configuration is named', (t) => {
  const { project, folder, shipped } = install(t, 'node_modules', 'roundabout-gateway');
  const own = { configFile: shipped, dataOverride: join(project, 'data'), isPackages: true, leftBehind: null };
  t.deepEqual(placesOf({ ...nothing, config: shipped }, folder), own);
});

test.serial('data that a former version left in the package are told of', (t) => {
  const { folder } = install(t, 'node_modules', 'roundabout-gateway');
  mkdirSync(join(folder, 'data'));
  t.is(placesOf(nothing, folder).leftBehind, null);
  writeFileSync(join(folder, 'data', 'roundabout.db'), '');
  t.is(placesOf(nothing, folder).leftBehind, join(folder, 'data'));
  t.is(placesOf({ ...nothing, data: 'mine' }, folder).leftBehind, null);
  mkdirSync('data');
  writeFileSync(join('data', 'roundabout.db'), '');
  t.is(placesOf(nothing, folder).leftBehind, null, 'others are in use');
});

test.serial('it is the package’s by whatever link it is named', (t) => {
  const { project, folder, shipped } = install(t, 'node_modules', 'roundabout-gateway');
  symlinkSync(folder, join(project, 'linked'));
  const config = join('linked', 'config', 'roundabout.yaml');
  t.like(placesOf({ ...nothing, config }, folder), { configFile: config, isPackages: true });
  t.true(placesOf({ ...nothing, config: shipped }, folder).isPackages);
});
