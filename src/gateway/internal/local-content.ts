import { Buffer } from 'node:buffer';
import { GatewayError } from '../../errors.ts';
import type { AbortView } from '../../transport/abort.ts';
import { Cutoff } from '../../transport/cutoff.ts';
import type { RequestContent } from '../forwarding/request-content.ts';

/** Reads the content of a request that is answered here. Null where it is longer than `limitBytes`; what is left of it is then
 *  still to be read. Throws client_timeout after `deadlineMs`, or the signal's reason, which
 *  tells of malformed content as well. */
export async function readLocalContent(
  content: RequestContent,
  { limitBytes, deadlineMs, signal }: { limitBytes: number; deadlineMs: number; signal: AbortView },
): Promise<Buffer | null> {
  if (content.isEmpty) return Buffer.alloc(0);
  const late = () => new GatewayError('client_timeout', { detail: 'the request content did not come in time' });
  const cutoff = new Cutoff(deadlineMs, signal);
  try {
    return await cutoff.wait<Buffer | null>(late, (resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      content.sendTo({
        write: (chunk) => {
          size += chunk.length;
          if (size > limitBytes) resolve(null);
          else chunks.push(Buffer.from(chunk));
          return true;
        },
        end: () => resolve(Buffer.concat(chunks)),
      });
      return () => content.stop();
    });
  } finally {
    cutoff.close();
  }
}
