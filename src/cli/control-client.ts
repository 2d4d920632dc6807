import { createConnection } from 'node:net';
import { CommandError } from '../admin/command-error.ts';
import {
  CONTROL_DEADLINE_MS,
  type ControlReply,
  type ControlRequest,
  LineBuffer,
  REPLY_LIMIT,
} from '../admin/control-protocol.ts';
import { systemCode } from '../system-code.ts';

/** The system's codes that mean: there is nobody at this path. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ENAMETOOLONG', 'EINVAL']);

/** Asks the gateway at `path`; null where none listens there. Rejects with CommandError (not_answering) where one does, but
 *  doesn't answer in time, breaks off, or is somebody else's. */
export function askGateway(
  path: string,
  request: ControlRequest,
  deadlineMs = CONTROL_DEADLINE_MS,
): Promise<ControlReply | null> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const buffer = new LineBuffer(REPLY_LIMIT);
    const settle = (act: () => void) => {
      clearTimeout(deadline);
      socket.destroy();
      act();
    };
    const fail = (why: string) => settle(() => reject(notAnswering(path, why)));
    const deadline = setTimeout(() => fail('did not answer in time'), deadlineMs);
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: Buffer) => {
      const line = buffer.push(chunk);
      if (buffer.overflowed) fail('answered with more than fits');
      if (line === null) return;
      const reply = replyOf(line);
      if (reply === null) fail('answered with something else than JSON');
      else settle(() => resolve(reply));
    });
    socket.on('end', () => fail('broke off'));
    socket.on('error', (cause) => {
      const code = systemCode(cause);
      if (absent.has(code)) settle(() => resolve(null));
      else fail(code === 'EACCES' ? 'belongs to another user' : `cannot be asked (${code})`);
    });
  });
}

function replyOf(line: string): ControlReply | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function notAnswering(path: string, why: string): CommandError {
  return new CommandError({
    code: 'not_answering',
    message: `the gateway at ${path} ${why}`,
    remedy: 'see its log, and whether its process is alive; a change that was asked for may still be made',
  });
}
