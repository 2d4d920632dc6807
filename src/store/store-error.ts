import { systemCode } from '../system-code.ts';

/** What can be wrong with the store itself, or with what is asked of it. */
export type StoreErrorCode =
  | 'unfit_runtime'
  | 'locked'
  | 'in_use'
  | 'read_only'
  | 'full'
  | 'damaged'
  | 'deleted'
  | 'newer'
  | 'unavailable'
  | 'bad_key'
  | 'exists'
  | 'not_found'
  | 'bad_name'
  | 'bad_cidr'
  | 'bad_params'
  | 'bad_rule'
  | 'bad_value'
  | 'too_many_secrets'
  | 'too_many_states';

/** The one error of the store. It is for operators: nothing of it is shown to those who connect. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** One sentence: what is wrong. */
  readonly detail: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;

  constructor(
    code: StoreErrorCode,
    text: { readonly detail: string; readonly remedy: string; readonly cause?: unknown },
  ) {
    super(`${text.detail}: ${text.remedy}`, { cause: text.cause });
    this.name = 'StoreError';
    this.code = code;
    this.detail = text.detail;
    this.remedy = text.remedy;
  }
}

/** What is asked for can't be kept as it is. */
export function badValue(detail: string, remedy: string): StoreError {
  return new StoreError('bad_value', { detail, remedy });
}

type StorageFault = readonly [code: StoreErrorCode, detail: string, remedy: string];

const readOnly: StorageFault = [
  'read_only',
  'the store cannot be written',
  'make its folder and files writable for this user',
];
const full: StorageFault = ['full', 'the disk is full', 'free some space; nothing of the change was kept'];
/** SQLite doesn't tell which: as a rule the disk is full. */
const ungrown: StorageFault = ['full', 'the disk is full, or fails', full[2]];
const damaged: StorageFault = [
  'damaged',
  'the store is damaged',
  'put a backup in its place, or move it away to begin anew',
];
const locked: StorageFault = ['locked', 'another process is writing to the store', 'try again in a moment'];
const unavailable: StorageFault = ['unavailable', 'the store cannot be used', 'check its folder and the disk'];

/** By the codes of SQLite (as a rule without their extensions) and of the system. */
const storageFaults: ReadonlyMap<string, StorageFault> = new Map([
  ['SQLITE_BUSY', locked],
  ['SQLITE_LOCKED', locked],
  ['SQLITE_READONLY', readOnly],
  ['SQLITE_PERM', readOnly],
  ['EACCES', readOnly],
  ['EPERM', readOnly],
  ['EROFS', readOnly],
  ['SQLITE_FULL', full],
  ['SQLITE_IOERR_SHMSIZE', ungrown],
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['SQLITE_CORRUPT', damaged],
  ['SQLITE_NOTADB', damaged],
]);

/** A failure of SQLite or of the system as a StoreError, by its code. Anything else, a StoreError too, comes back as it is. */
export function asStoreError(cause: unknown): unknown {
  if (cause instanceof StoreError) return cause;
  const told = systemCode(cause);
  const [code] = /^(SQLITE_[A-Z]+|E[A-Z0-9]+$)/.exec(told) ?? [];
  if (code === undefined) return cause;
  const [kind, detail, remedy] = storageFaults.get(told) ?? storageFaults.get(code) ?? unavailable;
  return new StoreError(kind, { detail: `${detail} (${told})`, remedy, cause });
}
