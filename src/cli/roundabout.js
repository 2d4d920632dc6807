#!/usr/bin/env node
// Finds a Node that can run Roundabout and runs it there. Plain JavaScript that Node 16 understands, because it has to tell
// people with an old Node what to do.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import nodeModule from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The first version of each line that runs TypeScript without flags as we need it; lines in between never did. */
const leastMinors = new Map([
  [22, 20],
  [24, 12],
]);
const leastMajor = 26;

const launcher = realpathSync(fileURLToPath(import.meta.url));

/** Where compiled code is kept: with the program, so that only those can change it who can change the program. */
const compiledFolder = join(dirname(launcher), '..', '..', 'node_modules', '.cache', 'roundabout');

/** A published package has the program compiled beside it: Node strips no types below node_modules. */
function findProgram() {
  const compiled = join(dirname(launcher), 'program.js');
  return existsSync(compiled) ? compiled : join(dirname(launcher), 'program.ts');
}

/** @param {string} version such as `v26.1.0` */
function isFit(version) {
  const [, major, minor] = (/^v?(\d+)\.(\d+)/.exec(version) || []).map(Number);
  if (major === undefined || minor === undefined) return false;
  const least = leastMinors.get(major);
  return major >= leastMajor || (least !== undefined && minor >= least);
}

/** A fit Node that was installed with us or with a project that uses us: the nearest. */
function findNode() {
  for (let folder = dirname(launcher); ; folder = dirname(folder)) {
    for (const place of ['.bin/node', 'node/bin/node', `node-${process.platform}-${process.arch}/bin/node`]) {
      const candidate = join(folder, 'node_modules', place);
      if (existsSync(candidate) && isFit(versionOf(candidate))) return candidate;
    }
    if (folder === dirname(folder)) return null;
  }
}

/** What brings a fit Node: only a checkout has one among what it depends on. */
function installation() {
  const folder = join(dirname(launcher), '..', '..');
  const isPackage = basename(dirname(folder)) === 'node_modules';
  return isPackage
    ? '"npm install node" in the project that uses it: it brings one'
    : `"npm install" in ${folder}: it brings one`;
}

/** @param {string} node */
function versionOf(node) {
  return String(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout);
}

/** Runs `node` in our place: its standard streams, signals and end are ours. @param {string} node */
function runWith(node) {
  const child = spawn(node, [launcher, ...process.argv.slice(2)], { stdio: 'inherit' });
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    // A terminal sends its interrupt to the whole group: the child has it.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    for (const each of signals) process.off(each, forward);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code === null ? 1 : code);
  });
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`roundabout: ${message}\n`);
  void leave(1);
}

/** Ends the process when all that it said has been taken: a pipe's reader may be slower than we are. @param {number} code */
async function leave(code) {
  /** @param {NodeJS.WriteStream} stream */
  const taken = (stream) => new Promise((resolve) => stream.write('', resolve));
  await Promise.all([taken(process.stdout), taken(process.stderr)]);
  process.exit(code);
}

if (isFit(process.version)) {
  // Every start but the first takes less than half the time. Where nothing can be written, nothing is kept.
  nodeModule.enableCompileCache(compiledFolder);
  // By this workers find it.
  if (!process.env.NODE_COMPILE_CACHE) process.env.NODE_COMPILE_CACHE = compiledFolder;
  import(pathToFileURL(findProgram()).href)
    .then(({ main }) => main(process.argv.slice(2)))
    .then(
      (code) => leave(code),
      (error) => fail(String(error?.stack || error)),
    );
} else {
  const node = findNode();
  if (node) runWith(node);
  else {
    fail(
      `Node ${process.version} cannot run Roundabout: it needs 22.20, 24.12 or 26 and later.\n` +
        `Install one of these, or run ${installation()} along.`,
    );
  }
}
