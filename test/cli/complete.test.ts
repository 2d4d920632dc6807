import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { allCommands, globalOptions, groups } from '../../src/cli/all-commands.ts';
import { complete } from '../../src/cli/complete.ts';
import { completionScripts, shells } from '../../src/cli/completion-scripts.ts';
import { manPage } from '../../src/cli/man-page.ts';
import { startGateway } from '../support/gateway.ts';

const launcher = fileURLToPath(new URL('../../src/cli/roundabout.js', import.meta.url));
const line = { specs: allCommands, globals: globalOptions };
const wordsAfter = (...words: string[]) => complete(words, line).candidates.map(({ word }) => word);
const page = () => manPage({ version: '1.2.3', specs: allCommands, globals: globalOptions, groups });

/** Whether a program is installed. */
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

test('commands, options, values and names are offered where they could stand', (t) => {
  t.deepEqual(wordsAfter('po'), ['pool']);
  t.true(['start', 'pool', 'exit', 'completion', 'man'].every((word) => wordsAfter('').includes(word)));
  t.false(wordsAfter('').includes('complete-words'));
  t.deepEqual(wordsAfter('exit', 'fr'), ['freeze']);
  t.deepEqual(wordsAfter('exit', 'freeze', 'abc', '--f'), ['--for']);
  t.deepEqual(wordsAfter('exit', 'list', '--status', ''), [
    'ok',
    'failing',
    'cooling',
    'draining',
    'frozen',
    'retired',
    'disabled',
  ]);
  t.deepEqual(wordsAfter('completion', ''), ['bash', 'zsh', 'fish']);
  t.is(complete(['exit', 'freeze', 'one', ''], line).names, 'exits', 'it takes many');
  t.is(complete(['--json', '--config', 'a.yaml', 'pool', 'show', ''], line).names, 'pools');
  t.is(complete(['pool', 'show', 'res', ''], line).names, null, 'it takes one');
  t.is(complete(['exit', 'list', '--pool', ''], line).names, 'pools');
  t.true(complete(['--config', ''], line).files);
  t.deepEqual(wordsAfter('nonsense', 'x', ''), []);
});

test('every command and option of the command line stands in the manual, and the hidden one does not', (t) => {
  const text = page();
  for (const { path, options = [], hidden } of allCommands) {
    t.is(text.includes(`.B roundabout ${path.replaceAll('-', '\\-')}`), hidden !== true, path);
    for (const { flags } of options) if (!hidden) t.true(text.includes(`.B ${flags.replaceAll('-', '\\-')}`), flags);
  }
  t.notRegex(text, /^['.](?!TH|SH|SS|TP|B|I|RS|RE|br\b)/m, 'no line commands by accident');
  t.regex(text, /^[\n\x20-\x7e]*$/, 'groff takes what else there is for latin-1');
});

(has('man') ? test : test.skip)('man shows the manual without a warning', (t) => {
  const shown = spawnSync('man', ['--warnings', '-l', '-'], {
    input: page(),
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '70' },
  });
  t.is(shown.stderr, '');
  t.regex(shown.stdout, /roundabout - the egress gateway/);
});

(has('mandoc') ? test : test.skip)('mandoc finds no error in the manual', (t) => {
  const { stdout } = spawnSync('mandoc', ['-Tlint', '-Werror'], { input: page(), encoding: 'utf8' });
  t.is(stdout, '');
});

for (const shell of shells)
  (has(shell) ? test : test.skip)(`${shell} can read its script`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'roundabout-completion-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    // From a file: fish reads no script from a standard input that is a socket.
    const script = join(folder, 'script');
    writeFileSync(script, completionScripts[shell]);
    const { status, stderr } = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
    t.is(status, 0, stderr);
  });

/** What bash offers, with these words on its line; the program is called by its name. */
function bashOffers(folder: string, words: readonly string[]): string[] {
  const script = `source <(roundabout completion bash)
COMP_WORDS=(roundabout "$@"); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_roundabout; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` };
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return stdout.split('\n').filter((word) => word !== '');
}

/** The same of names, which a gateway that is slow to answer has none of: asks up to five times. */
function bashOffersNames(folder: string, words: readonly string[]): string[] {
  let offers: string[] = [];
  for (let asked = 0; offers.length === 0 && asked < 5; asked++) offers = bashOffers(folder, words);
  return offers;
}

test('bash completes commands, files, and names that the gateway knows', async (t) => {
  const gateway = await startGateway({
    pools: { retail: { exits: [{ url: 'http://192.0.2.1:8080' }] }, other: { exits: [{ direct: true }] } },
    clients: { acme: [], acme_two: [] },
  });
  t.teardown(() => gateway.stop());
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-shell-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin', 'roundabout');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, 'my config.yaml'), '');
  const at = ['--config', join(gateway.folder, 'roundabout.yaml')];
  t.deepEqual(bashOffers(folder, ['exit', 'th']), ['thaw']);
  t.deepEqual(bashOffers(folder, ['--config', 'my']), ['my config.yaml']);
  t.deepEqual(bashOffersNames(folder, [...at, 'pool', 'disable', 're']), ['retail']);
  t.deepEqual(bashOffersNames(folder, [...at, 'client', 'show', '']), ['acme', 'acme_two']);
  const exits: { id: string; pool: string }[] = JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
  const id = exits.find(({ pool }) => pool === 'retail')?.id ?? '';
  t.true(bashOffersNames(folder, [...at, 'exit', 'freeze', id.slice(0, 4)]).includes(id));
  t.deepEqual(bashOffers(folder, ['pool', 'disable', '']), [], 'no gateway, no names, no error');
});
