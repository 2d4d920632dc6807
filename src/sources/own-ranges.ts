import { createServer } from 'node:net';
import { addressesOf } from '../pool/own-range.ts';
import type { PoolFile } from '../pool/pool-file.ts';

/** Warns of ranges that exits are dialled from and that aren't on this machine: looks at the first and the last address of each. */
export async function warnOfForeignRanges(files: readonly PoolFile[], warn: (line: string) => void): Promise<void> {
  for (const { file, entries } of files) {
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== 'direct' || entry.from === null) continue;
      const addresses = [...addressesOf(entry.from)];
      const ends = new Set([addresses[0] ?? '', addresses.at(-1) ?? '']);
      for (const address of ends) {
        if (await isHere(address)) continue;
        const { text } = entry.from;
        warn(
          `${file}: exits[${index}].direct: ${address} is not on this machine, exchanges over it end with exit_failed: ` +
            `give the range to an interface, or (Linux) "ip route add local ${text} dev lo"`,
        );
        break;
      }
    }
  }
}

/** Whether a connection could be made from the address: one can be listened at it. */
function isHere(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port: 0, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
