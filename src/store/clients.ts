import { randomInt } from 'node:crypto';
import {
  type ClientInfo,
  type ClientRecord,
  type ClientRow,
  type ClientSettings,
  checkName,
  checkSettings,
  defaultSettings,
  rowOf,
  settingsOf,
} from './client-record.ts';
import type { Database, Store } from './database.ts';
import { hashSecret } from './secret-key.ts';
import { StoreError } from './store-error.ts';

/** How many secrets a client can have at once: the gateway compares every login with so many. */
export const secretLimit = 4;

/** What a new client is made of. */
export interface NewClient extends Partial<ClientSettings> {
  readonly name: string;
  /** False: no secret, for a client known by its sources alone. Default true. */
  readonly withSecret?: boolean;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const secretLength = 26;
const keyCheck = 'roundabout key check';

/** The clients in a store. Every change is on the disk when its method returns. Everything throws StoreError. */
export class Clients {
  readonly #store: Store;
  readonly #key: Buffer;

  /** `key` is loadSecretKey's. Throws StoreError (bad_key) where the store's secrets were hashed under another. */
  constructor(store: Store, key: Buffer) {
    this.#store = store;
    this.#key = key;
    this.#assertOwnKey();
  }

  /** Adds a client. Its secret is shown here and never again; null where none was asked for. Throws exists, bad_name, bad_cidr,
   *  bad_params, bad_rule, bad_value. */
  addClient({ name, withSecret = true, ...given }: NewClient): { client: ClientInfo; secret: string | null } {
    checkName(name);
    const settings = merge(defaultSettings, given);
    checkSettings(settings);
    return this.#store.write((database) => {
      if (findRow(database, name) !== undefined) throw exists(name);
      const now = this.#store.now();
      putRow(database, rowOf(settings, { name, created_at: now, updated_at: now }));
      const secret = withSecret ? this.#addSecret(database, name, '').secret : null;
      return { client: infoOf(database, name), secret };
    });
  }

  /** Changes the settings that are given, and makes the secrets of these ids invalid, the last one too: all of it or nothing. Throws
   *  not_found, and what addClient throws of settings. */
  updateClient(name: string, changes: Partial<ClientSettings>, removedSecrets: readonly number[] = []): ClientInfo {
    return this.#store.write((database) => {
      const row = requireRow(database, name);
      const settings = merge(settingsOf(row), changes);
      checkSettings(settings);
      putRow(database, rowOf(settings, { name, created_at: row.created_at, updated_at: this.#store.now() }));
      for (const id of new Set(removedSecrets)) removeSecret(database, name, id);
      return infoOf(database, name);
    });
  }

  /** Throws not_found. */
  setEnabled(name: string, enabled: boolean): ClientInfo {
    return this.updateClient(name, { enabled });
  }

  /** Removes a client and its secrets. Throws not_found. */
  removeClient(name: string): void {
    this.#store.write((database) => {
      requireRow(database, name);
      database.prepare('DELETE FROM client WHERE name = ?').run(name);
    });
  }

  /** Gives a client another secret. With `keepOld` the others stay valid until they are removed. Throws not_found,
   *  too_many_secrets. */
  rotateSecret(name: string, options: { keepOld: boolean; label?: string }): { secret: string; secretId: number } {
    return this.#store.write((database) => {
      requireRow(database, name);
      if (!options.keepOld) database.prepare('DELETE FROM secret WHERE client = ?').run(name);
      if (secretsOf(database, name).length >= secretLimit) throw tooManySecrets(name);
      return this.#addSecret(database, name, options.label ?? '');
    });
  }

  /** All clients by name, without hashes. */
  listClients(): ClientInfo[] {
    return this.snapshotClients().map(withoutHashes);
  }

  /** One client, without hashes. Throws not_found. */
  showClient(name: string): ClientInfo {
    return this.#store.read((database) => infoOf(database, name));
  }

  /** All clients at one time, with hashes: for the gateway's directory. */
  snapshotClients(): ClientRecord[] {
    return this.#store.read((database) => {
      const rows = database.prepare<[], ClientRow>('SELECT * FROM client ORDER BY name').all();
      return rows.map((row) => recordOf(database, row));
    });
  }

  #addSecret(database: Database, client: string, label: string): { secret: string; secretId: number } {
    const secret = newSecret();
    const { lastInsertRowid } = database
      .prepare('INSERT INTO secret (client, hash, label, created_at) VALUES (?, ?, ?, ?)')
      .run(client, hashSecret(this.#key, secret).toString('hex'), label, this.#store.now());
    return { secret, secretId: Number(lastInsertRowid) };
  }

  /** A new key beside an old store would turn every login away without a word. */
  #assertOwnKey(): void {
    const expected = hashSecret(this.#key, keyCheck).toString('hex');
    const found = this.#store.read((database) => storedKeyCheck(database)) ?? this.#noteKey(expected);
    if (found === expected) return;
    throw new StoreError('bad_key', {
      detail: 'secret.key is not the key that this store was made with',
      remedy: 'put its backup in its place; without it every secret must be made anew in a new store',
    });
  }

  #noteKey(check: string): string | undefined {
    return this.#store.write((database) => {
      database.prepare("INSERT INTO fact VALUES ('key_check', ?) ON CONFLICT DO NOTHING").run(check);
      return storedKeyCheck(database);
    });
  }
}

function storedKeyCheck(database: Database): string | undefined {
  return database.prepare<[], string>("SELECT value FROM fact WHERE name = 'key_check'").pluck().get();
}

/** 26 of 62 characters, each as likely as the others: 154 bits. None needs escaping in a URL, a shell or a vendor's dialect. */
function newSecret(): string {
  return Array.from({ length: secretLength }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** Settings that are undefined leave what was. */
function merge(base: ClientSettings, changes: Partial<ClientSettings>): ClientSettings {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(given) };
}

function findRow(database: Database, name: string): ClientRow | undefined {
  return database.prepare<[string], ClientRow>('SELECT * FROM client WHERE name = ?').get(name);
}

function requireRow(database: Database, name: string): ClientRow {
  const row = findRow(database, name);
  if (row === undefined) throw noClient();
  return row;
}

function removeSecret(database: Database, name: string, id: number): void {
  const { changes } = database.prepare('DELETE FROM secret WHERE client = ? AND id = ?').run(name, id);
  if (changes === 0)
    throw new StoreError('not_found', {
      detail: `client ${name} has no secret #${id}: nothing is changed`,
      remedy: `see "roundabout client show ${name}"`,
    });
}

/** An upsert, not a replacement: replacing a row would delete its secrets. */
function putRow(database: Database, row: ClientRow): void {
  const columns = Object.keys(row);
  const changes = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  const values = columns.map((column) => `@${column}`).join(', ');
  database
    .prepare(
      `INSERT INTO client (${columns.join(', ')}) VALUES (${values}) ON CONFLICT (name) DO UPDATE SET ${changes}`,
    )
    .run(row);
}

function secretsOf(database: Database, name: string): ClientRecord['secrets'] {
  return database
    .prepare<[string], ClientRecord['secrets'][number]>(
      'SELECT id, label, created_at AS createdAt, hash FROM secret WHERE client = ? ORDER BY id',
    )
    .all(name);
}

function recordOf(database: Database, row: ClientRow): ClientRecord {
  const times = { createdAt: row.created_at, updatedAt: row.updated_at };
  return { name: row.name, ...settingsOf(row), ...times, secrets: secretsOf(database, row.name) };
}

function infoOf(database: Database, name: string): ClientInfo {
  return withoutHashes(recordOf(database, requireRow(database, name)));
}

function withoutHashes(record: ClientRecord): ClientInfo {
  return { ...record, secrets: record.secrets.map(({ id, label, createdAt }) => ({ id, label, createdAt })) };
}

function exists(name: string): StoreError {
  return new StoreError('exists', {
    detail: `client ${name} exists already`,
    remedy: 'choose another name, or rotate its secret',
  });
}

/** Nobody was added under the name that is asked for. */
export const noClient = (): StoreError =>
  new StoreError('not_found', {
    detail: 'there is no client of this name',
    remedy: 'see "roundabout client list"',
  });

function tooManySecrets(name: string): StoreError {
  return new StoreError('too_many_secrets', {
    detail: `client ${name} has ${secretLimit} secrets already`,
    remedy: 'remove one first, or rotate without keeping the old ones',
  });
}
