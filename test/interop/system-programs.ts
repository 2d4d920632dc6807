import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
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
