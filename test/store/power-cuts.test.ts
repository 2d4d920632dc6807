import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import test, { type ExecutionContext } from 'ava';
import { LeaseLog } from '../../src/store/lease-log.ts';
import { SnapshotFile } from '../../src/store/snapshot-file.ts';
import { temporaryFolder } from './folder.ts';

// No test can cut the power: what the disk is asked for, and in which order, decides what is left then.

type Sync = (this: fsPromises.FileHandle) => Promise<void>;

/** What the disk is asked to keep, and what it is told to rename, from now on. */
async function watchDisk(t: ExecutionContext): Promise<string[]> {
  const asked: string[] = [];
  const former = { ...fs };
  const formerRename = fsPromises.rename;
  const keep = (stat: { isDirectory(): boolean }) => asked.push(stat.isDirectory() ? 'folder kept' : 'content kept');
  fs.fsyncSync = (descriptor) => {
    keep(former.fstatSync(descriptor));
    former.fsyncSync(descriptor);
  };
  fs.fdatasyncSync = (descriptor) => {
    keep(former.fstatSync(descriptor));
    former.fdatasyncSync(descriptor);
  };
  fs.renameSync = (from, to) => {
    asked.push('renamed');
    former.renameSync(from, to);
  };
  fsPromises.rename = async (from, to) => {
    asked.push('renamed');
    await formerRename(from, to);
  };
  const handle = await fsPromises.open('.');
  const handles: { sync: Sync } = Object.getPrototypeOf(handle);
  await handle.close();
  const formerSync = handles.sync;
  handles.sync = async function () {
    keep(await this.stat());
    await formerSync.call(this);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    const { fsyncSync, fdatasyncSync, renameSync } = former;
    Object.assign(fs, { fsyncSync, fdatasyncSync, renameSync });
    fsPromises.rename = formerRename;
    handles.sync = formerSync;
    syncBuiltinESMExports();
  });
  return asked;
}

test.serial('a snapshot has its content before its name, and that before it is told to stand', async (t) => {
  const file = new SnapshotFile(temporaryFolder(t), 'a.snapshot');
  const asked = await watchDisk(t);
  await file.write([Buffer.from('a')]);
  t.deepEqual(asked.splice(0), ['content kept', 'renamed', 'folder kept']);
  file.writeNow([Buffer.from('b')]);
  t.deepEqual(asked, ['content kept', 'renamed', 'folder kept']);
});

test.serial('what is appended to a log is left to the system, until it is asked for', async (t) => {
  const log = new LeaseLog(temporaryFolder(t));
  t.true(log.begin(Buffer.from('head')));
  t.teardown(() => log.close());
  const asked = await watchDisk(t);
  t.true(log.append(Buffer.from('a')));
  t.deepEqual(asked, []);
  log.sync();
  t.deepEqual(asked, ['content kept', 'folder kept']);
});
