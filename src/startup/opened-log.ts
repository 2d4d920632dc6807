import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { makeFolder } from '../store/folder.ts';
import { type AccessLog, openAccessLog } from '../telemetry/access-log.ts';
import { openPath } from './opened-path.ts';

/** Opens the access log and makes its folder; null where none is kept. Rejects with StartFault. */
export async function openLog({ enabled, file }: Config['accessLog'], limitBytes: number): Promise<AccessLog | null> {
  if (!enabled) return null;
  const folder = file === null ? undefined : () => void makeFolder(dirname(file));
  return openPath({ setting: 'accessLog.file', path: file ?? 'standard output', makesFolders: true }, () =>
    openAccessLog({ file, makeFolder: folder, limitBytes }),
  );
}
