import { Buffer } from 'node:buffer';
import { fstatSync, writeSync } from 'node:fs';
import { CommandError } from '../admin/command-error.ts';
import { systemCode } from '../system-code.ts';

/** Writes all of `text` to standard output. Resolves with whether anybody reads on: whoever has seen enough (`| head`) is no failure.
 *  Rejects with CommandError where it can't be written, as on a full disk. */
export async function writeOut(text: string): Promise<boolean> {
  const { stdout } = process;
  if (stdout.destroyed) return false;
  try {
    if (isFile(stdout.fd)) writeAll(stdout.fd, Buffer.from(text));
    else await new Promise<void>((taken, failed) => stdout.write(text, (fault) => (fault ? failed(fault) : taken())));
    return true;
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return false;
    throw unwritten(code, cause);
  }
}

/** Node's own stream for files takes a part that was written, as on a disk that is just full, for all of it. */
function writeAll(file: number, octets: Buffer): void {
  for (let at = 0; at < octets.length; ) at += writeSync(file, octets, at);
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}

/** What a command did stands: nobody must think that it failed as a whole, nor go without a secret that was shown to nobody. */
function unwritten(code: string, cause: unknown): CommandError {
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new CommandError(
    {
      code: isFull ? 'full' : 'unavailable',
      message: `not all of the answer could be written to standard output (${isFull ? 'the disk is full' : code})`,
      remedy:
        'what the command changed stands; a secret that was to be shown is made anew by "roundabout client rotate"',
    },
    { cause },
  );
}
