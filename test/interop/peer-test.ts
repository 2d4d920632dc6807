import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { has } from '../support/programs.ts';

/** Programs of the system's that tests run, and the command of each. Python has to bring Requests and PySocks. */
export const commands = {
  curl: 'curl',
  wget: 'wget',
  openssl: 'openssl',
  microsocks: 'microsocks',
  squid: '/usr/sbin/squid',
  chromium: '/usr/bin/chromium',
  python: '/usr/bin/python3',
} as const;

/** The name of a program that may be missing. */
export type Program = keyof typeof commands;

/** Declares a serial test that needs real programs. Where one of them isn't installed, the test is skipped and its title says
 *  why; with ROUNDABOUT_REQUIRE_PEERS=1 it fails. */
export function peerTest(
  title: string,
  needs: readonly Program[],
  body: (t: ExecutionContext) => void | Promise<void>,
): void {
  const missing = needs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return void test.serial(title, body);
  const reason = `not installed: ${missing.join(', ')}`;
  if (process.env['ROUNDABOUT_REQUIRE_PEERS'] === '1') test.serial(title, (t) => t.fail(reason));
  else test.serial.skip(`${title} (${reason})`, body);
}

/** Whether the program can be run here. */
export function isInstalled(program: Program): boolean {
  const command = commands[program];
  if (program === 'python') return spawnSync(command, ['-c', 'import requests, socks']).status === 0;
  return command.startsWith('/') ? isExecutable(command) : has(command);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
