import { Buffer } from 'node:buffer';
import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { type Commands, runCommand } from './command.ts';
import { CommandError, faultOf } from './command-error.ts';
import {
  CONTROL_DEADLINE_MS,
  type ControlReply,
  type ControlRequest,
  LineBuffer,
  REQUEST_LIMIT,
} from './control-protocol.ts';

/** Room for the path of a Unix socket, in octets, on the systems where it is least (sun_path of the BSDs). */
const PATH_LIMIT = 103;
const CONNECTIONS = 32;

/** What was asked may take so long, in ms: some commands fetch, others look at a million exits. */
const COMMAND_MS = 600_000;

/** The gateway's side of the control socket. */
export interface ControlServer {
  /** Closes it, with all connections, and takes the socket file away. */
  close(): Promise<void>;
}

export interface ControlOptions {
  /** How long a request may take to come, and its reply to be read, in ms. Default CONTROL_DEADLINE_MS. */
  readonly deadlineMs?: number;
}

/** Answers commands on the Unix socket at `path`, which only this user may use. The file of a gateway that is gone is replaced.
 *  Rejects with CommandError where another gateway answers there, the path is no socket, or it is too long; with the system's
 *  error where it can't be made. */
export async function serveControl(
  path: string,
  commands: Commands,
  { deadlineMs = CONTROL_DEADLINE_MS }: ControlOptions = {},
): Promise<ControlServer> {
  await assertVacant(path);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let deadline: NodeJS.Timeout;
    const within = (ms: number): void => {
      clearTimeout(deadline);
      deadline = setTimeout(() => socket.destroy(), ms);
    };
    within(deadlineMs);
    socket.once('close', () => {
      clearTimeout(deadline);
      sockets.delete(socket);
    });
    serve(socket, { commands, onRequest: () => within(COMMAND_MS), onReply: () => within(deadlineMs) });
  });
  server.maxConnections = CONNECTIONS;
  await bind(server, path);
  return {
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
        rmSync(path, { force: true });
      }),
  };
}

/** The socket gets its permissions in a folder that nobody else may enter, and its name when it has them. */
async function bind(server: Server, path: string): Promise<void> {
  const folder = mkdtempSync(join(dirname(path), '.c-'));
  try {
    const draft = join(folder, 's');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(draft, () => {
        server.off('error', reject);
        resolve();
      });
    });
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } catch (cause) {
    server.close();
    throw cause;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function assertVacant(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_LIMIT) {
    throw unavailable(`the path of the control socket has more than ${PATH_LIMIT} octets`, 'use a shorter data folder');
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw unavailable(`${path} is no socket`, 'move it out of the way');
  if (await answers(path)) throw unavailable(`another gateway answers at ${path}`, 'stop it first');
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

const unavailable = (message: string, remedy: string) => new CommandError({ code: 'unavailable', message, remedy });

interface Service {
  readonly commands: Commands;
  readonly onRequest: () => void;
  readonly onReply: () => void;
}

function serve(socket: Socket, { commands, onRequest, onReply }: Service): void {
  const buffer = new LineBuffer(REQUEST_LIMIT);
  let asked = false;
  const answer = (reply: ControlReply) => {
    socket.off('data', read).resume();
    if (!socket.destroyed) onReply();
    socket.end(`${JSON.stringify(reply)}\n`);
  };
  const read = (chunk: Buffer) => {
    const line = buffer.push(chunk);
    if (line !== null) {
      asked = true;
      onRequest();
      socket.off('data', read).resume();
      void replyTo(line, commands).then(answer);
    } else if (buffer.overflowed) answer(badRequest('the request is too long'));
  };
  socket.on('data', read);
  // Whoever leaves early needs no answer.
  socket.on('error', () => {});
  socket.on('end', () => {
    if (!asked && !socket.writableEnded) socket.destroy();
  });
}

async function replyTo(line: string, commands: Commands): Promise<ControlReply> {
  const request = requestOf(line);
  if (request === null) return badRequest('the request is no JSON object with "command" and "args"');
  try {
    return { ok: true, result: await runCommand(commands, { name: request.command, args: request.args }) };
  } catch (cause) {
    return { ok: false, error: faultOf(cause) };
  }
}

function requestOf(line: string): ControlRequest | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('command' in value) || !('args' in value)) return null;
    return typeof value.command === 'string' ? { command: value.command, args: value.args } : null;
  } catch {
    return null;
  }
}

function badRequest(message: string): ControlReply {
  return { ok: false, error: { code: 'bad_request', message, remedy: 'send one JSON object on one line' } };
}
