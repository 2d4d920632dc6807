// Builds the native relay when the package is installed: plain JavaScript, because whatever Node npm runs on runs it. Never
// fails an install: without a compiler, or on another system than Linux, tunnels are carried by the relay in TypeScript. Only
// with --required, which is for making the package, does it end with 1 where nothing is built.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL('.', import.meta.url));
const output = join(folder, 'relay.node');

/** Why nothing could be built, or null. */
function build() {
  if (process.platform !== 'linux') return `the native relay is for Linux, not ${process.platform}`;
  if (isCurrent()) return null;
  const include = headers();
  if (include === null) return 'the package node-api-headers is not installed';
  const sources = readdirSync(folder).filter((name) => name.endsWith('.cpp'));
  const made = `${output}.${process.pid}`;
  const flags = ['-std=c++17', '-O2', '-shared', '-fPIC', '-pthread', '-fvisibility=hidden', '-Wall', '-Wextra'];
  // Of the system's libraries only libc is asked for, so that what was built here runs elsewhere; never unloaded, because its
  // threads outlive whoever loaded it.
  const linking = ['-static-libstdc++', '-static-libgcc', '-Wl,-z,nodelete', '-s'];
  const args = [...flags, ...linking, '-DNAPI_VERSION=8', `-I${include}`, '-o', made, ...sources];
  const compiler = spawnSync('g++', args, { cwd: folder, encoding: 'utf8' });
  if (compiler.error) return `no C++ compiler: ${compiler.error.message}`;
  if (compiler.status !== 0) {
    rmSync(made, { force: true });
    return `g++ failed: ${compiler.stderr.trim().split('\n').slice(0, 5).join('\n')}`;
  }
  renameSync(made, output);
  return null;
}

/** Whether what is there was made of these sources, as far as their times tell, and loads here. */
function isCurrent() {
  if (!existsSync(output)) return false;
  const madeAt = statSync(output).mtimeMs;
  const sources = readdirSync(folder).filter((name) => /\.(cpp|h)$/.test(name));
  if (sources.some((name) => statSync(join(folder, name)).mtimeMs > madeAt)) return false;
  try {
    require(output);
    return true;
  } catch {
    return false;
  }
}

function headers() {
  try {
    return require('node-api-headers').include_dir;
  } catch {
    return null;
  }
}

let fault;
try {
  fault = build();
} catch (error) {
  fault = String(error);
}
if (fault !== null) {
  const isRequired = process.argv.includes('--required');
  const outcome = isRequired ? 'No package without it.' : 'Tunnels are carried by the slower relay in TypeScript.';
  console.warn(`roundabout: ${fault}\n${outcome}`);
  if (isRequired) process.exitCode = 1;
}
