import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import type { GatewaySettings } from '../gateway/collaborators.ts';
import { AddressRules } from '../policy/address-rules.ts';
import { ClientDirectory, type ClientRecord } from '../policy/client-directory.ts';
import type { BoundAddress } from '../policy/own-addresses.ts';
import { Selection, type SelectionTables } from '../selection/selection.ts';
import type { BlockRules } from '../signals/block-rules.ts';
import type { BoundListener } from '../threads/listener-plan.ts';
import { blockRulesOf } from '../threads/signals.ts';
import type { HostsFile } from '../transport/hosts-file.ts';
import { settingsOf } from './gateway-settings.ts';

/** How often the machine's own addresses are looked up again, in ms: interfaces come and go. */
const LOOK_MS = 30_000;

export interface InForceOptions {
  readonly config: Config;
  readonly clients: readonly ClientRecord[];
  readonly hashSecret: (secret: string) => Buffer;
  /** Where sockets of ours are bound beside the listeners: no exchange may reach them. */
  readonly own: readonly BoundAddress[];
  readonly tables: SelectionTables;
  readonly hosts: HostsFile;
}

/** What a worker goes by now: its config, clients and own addresses, and what is made of them. Everything is replaced whole, so
 *  that an exchange that has taken a part of it goes on by that. */
export class InForce {
  readonly #options: InForceOptions;
  readonly #looking: NodeJS.Timeout;
  #config: Config;
  #settings: GatewaySettings;
  #clients: readonly ClientRecord[];
  #directory: ClientDirectory;
  #selection: Selection;
  #rules: AddressRules;
  #blocks: BlockRules;
  #bound: readonly BoundListener[] = [];
  #ownPorts: ReadonlySet<number> = new Set();
  /** The machine's own addresses, by which the rules were made. */
  #local = '';

  constructor(options: InForceOptions) {
    const { config, clients } = options;
    this.#options = options;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#blocks = blockRulesOf(config);
    this.#selection = this.#selectionOf(config);
    this.#clients = clients;
    this.#directory = this.#directoryOf(clients);
    this.#rules = this.#rulesOf(config);
    this.#looking = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  get config(): Config {
    return this.#config;
  }

  get settings(): GatewaySettings {
    return this.#settings;
  }

  get directory(): ClientDirectory {
    return this.#directory;
  }

  get selection(): Selection {
    return this.#selection;
  }

  get rules(): AddressRules {
    return this.#rules;
  }

  get blocks(): BlockRules {
    return this.#blocks;
  }

  /** Whether a connection out to this port may come back to a listener of ours. */
  isOwnPort(port: number): boolean {
    return this.#ownPorts.has(port);
  }

  /** From now on goes by another config, and by listeners that are bound there. */
  use(config: Config, bound: readonly BoundListener[]): void {
    this.#bound = bound;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#blocks = blockRulesOf(config);
    this.#selection = this.#selectionOf(config);
    this.#rules = this.#rulesOf(config);
    // A login depends on its listener as well, and what was judged by the former ones must not stand.
    this.setClients(this.#clients);
  }

  setClients(clients: readonly ClientRecord[]): void {
    this.#clients = clients;
    this.#directory = this.#directoryOf(clients);
  }

  close(): void {
    clearInterval(this.#looking);
  }

  #selectionOf({ selection }: Config): Selection {
    return new Selection(this.#options.tables, { parameters: selection, random: Math.random });
  }

  #directoryOf(clients: readonly ClientRecord[]): ClientDirectory {
    return new ClientDirectory(clients, { hash: this.#options.hashSecret });
  }

  #rulesOf(config: Config): AddressRules {
    const { own: sockets, hosts } = this.#options;
    const local = localAddresses();
    this.#local = local.join(' ');
    this.#ownPorts = new Set(this.#bound.map(({ port }) => port));
    const own = { listeners: this.#bound, admin: sockets, local };
    return new AddressRules({ rules: config.rules, own, hosts: (name) => hosts.addresses(name) });
  }

  /** As long as the machine has the same addresses, what was judged by them stands. */
  #look(): void {
    if (localAddresses().join(' ') !== this.#local) this.#rules = this.#rulesOf(this.#config);
  }
}

/** This machine's own. */
function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
}
