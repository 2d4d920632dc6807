import { existsSync } from 'node:fs';
import { noClient } from '../store/clients.ts';
import { storePath } from '../store/database.ts';

/** What a command is that finds no running gateway. */
export interface FilesAlone {
  /** For whoever believes that a running gateway was told, or asked; null where the command says itself what it goes by. */
  readonly remark: string | null;
  /** What is told of a store that there isn't, so that none is made by looking for it; undefined where one is made, or stands. */
  readonly result: readonly never[] | undefined;
}

/** Commands that go by the store, and say nothing of that themselves. */
const ofStore = /^(?:client|quota)\.|^pool\.(?:enable|disable)$|^exit\.(?:freeze|drain|retire|thaw|states)$/;
const lists: ReadonlySet<string> = new Set(['client.list', 'quota.list', 'exit.states']);

/** How a command works on the files of a data folder. Throws CommandError where it names a client, and none was ever added. */
export function workAlone(folder: string, { name, args }: { name: string; args: object }): FilesAlone {
  if (!ofStore.test(name)) return { remark: null, result: undefined };
  if (existsSync(storePath(folder)))
    return { remark: `no gateway runs on ${folder}: this stands in its files`, result: undefined };
  if (namesClient(name, args)) throw noClient();
  const nothing = `no gateway runs on ${folder}, and nothing is kept there`;
  if (lists.has(name)) return { remark: nothing, result: [] };
  // Nothing is held back that these could end; whether they name exits and pools at all is still told.
  if (name === 'exit.thaw' || name === 'pool.enable') return { remark: nothing, result: undefined };
  const remark = `no gateway runs on ${folder}, and nothing was kept there before: this stands in its files`;
  return { remark, result: undefined };
}

/** Whether it is about a client that was added before. */
function namesClient(name: string, args: object): boolean {
  if (name.startsWith('client.')) return name !== 'client.add' && name !== 'client.list';
  return name.startsWith('quota.') && 'client' in args && args.client !== undefined;
}
