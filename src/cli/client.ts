import type { ClientState, ClientView, ClientWithSecret } from '../admin/client-view.ts';
import { badArgument } from '../admin/command-error.ts';
import { ruleGrammar } from '../admin/rule-text.ts';
import { dialects } from '../protocol/dialects.ts';
import { limitGrammar } from '../protocol/limit-rule.ts';
import { quotaGrammar } from '../protocol/quota-rule.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { changeOptions, consentOf, refusalOf } from './consent.ts';
import { figure } from './quota.ts';
import { formatFacts, formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

const settingOptions: readonly OptionSpec[] = [
  { flags: '--pool <name>', describe: 'a pool that it may use (default: every pool)', many: true },
  { flags: '--allow-ip <cidr>', describe: 'a range that it may connect from (default: anywhere)', many: true },
  { flags: '--ip-auth', describe: 'connecting from --allow-ip is its credential, too' },
  { flags: '--params <text>', describe: 'parameters that hold unless a user name says otherwise: country-us-ttl-10m' },
  { flags: '--allow <rule>', describe: 'open what is closed by default, for this client', many: true },
  { flags: '--deny <rule>', describe: 'close something for this client', many: true },
  {
    flags: '--dialect <vendor>',
    describe: 'understand the user names of this vendor, too',
    many: true,
    choices: dialects,
  },
  { flags: '--limit <limit>', describe: 'how much it may do; in place of those set before', many: true },
  { flags: '--quota <quota>', describe: 'how much it may use; in place of those set before', many: true },
  { flags: '--reply-fields <state>', describe: 'Roundabout-* fields on forwarded responses', choices: ['on', 'off'] },
];

/** What `client set --clear` takes, which setting that is, and its default. */
const cleared: ReadonlyMap<string, readonly [setting: string, initial: unknown]> = new Map([
  ['pool', ['pools', []]],
  ['allow-ip', ['allowIp', []]],
  ['params', ['params', '']],
  ['allow', ['allow', []]],
  ['deny', ['deny', []]],
  ['dialect', ['dialects', []]],
  ['reply-fields', ['replyFields', null]],
  ['limit', ['limits', []]],
  ['quota', ['quotas', []]],
] satisfies [string, [string, unknown]][]);

const ruleNotes = [`A RULE is ${ruleGrammar}.`, `A LIMIT is ${limitGrammar}.`, `A QUOTA is ${quotaGrammar}.`];
const name = 'the name of the client';

/** The commands about clients. */
export const clientCommands: readonly CommandSpec[] = [
  {
    path: 'client add',
    summary: 'add a client and show its secret, this once',
    operand: 'its name: 1 to 32 of a-z 0-9 _ .',
    options: [...settingOptions, { flags: '--no-secret', describe: 'make no secret: --ip-auth alone lets it in' }],
    notes: ruleNotes,
    run: async (given, workplace) => {
      const args = { name: given.operand, settings: settingsOf(given), withSecret: given.flag('secret') ?? true };
      return withSecret((await workplace.run('client.add', args)).result);
    },
  },
  {
    path: 'client list',
    summary: 'list all clients',
    run: async (_, workplace) => listing((await workplace.run('client.list', {})).result, workplace),
  },
  {
    path: 'client show',
    summary: 'show the settings of a client',
    operand: name,
    run: async ({ operand }, workplace) => withLimits((await workplace.run('client.show', { name: operand })).result),
  },
  {
    path: 'client set',
    summary: 'change settings of a client; those not given stay',
    operand: name,
    options: [
      ...settingOptions,
      { flags: '--no-ip-auth', describe: 'connecting from --allow-ip is no credential' },
      { flags: '--clear <setting>', describe: 'back to the default', many: true, choices: [...cleared.keys()] },
      { flags: '--remove-secret <id>', describe: 'make a secret invalid; "client show" has the ids', many: true },
    ],
    notes: ruleNotes,
    run: set,
  },
  {
    path: 'client rotate',
    summary: 'make another secret and show it, this once; the old ones stay valid',
    operand: name,
    options: [{ flags: '--drop-old', describe: 'make the old ones invalid at once' }],
    run: async (given, workplace) => {
      const args = { name: given.operand, dropOld: given.flag('dropOld') ?? false };
      return withSecret((await workplace.run('client.rotate', args)).result);
    },
  },
  {
    path: 'client enable',
    summary: 'let a disabled client in again',
    operand: name,
    run: async ({ operand }, workplace) =>
      done('enabled', (await workplace.run('client.enable', { name: operand })).result),
  },
  {
    path: 'client disable',
    summary: 'keep a client out; its settings and secrets stay',
    operand: name,
    run: async ({ operand }, workplace) =>
      done('disabled', (await workplace.run('client.disable', { name: operand })).result),
  },
  {
    path: 'client remove',
    summary: 'remove a client and its secrets',
    operand: name,
    options: changeOptions,
    notes: [
      'What would be lost is shown first, and asked about. What the client has used stays in the ledger.',
      'To keep it out for a while there is "client disable".',
    ],
    run: remove,
  },
];

async function set(given: Given, workplace: Workplace): Promise<Outcome> {
  const settings = settingsOf(given);
  for (const name of new Set(given.texts('clear') ?? [])) {
    const [setting, initial] = cleared.get(name) ?? ['', null];
    // Whichever of the two would hold, the other was meant as well: of sources one of them opens the client to everybody.
    if (settings[setting] !== undefined)
      throw badArgument(
        `--clear ${name}`,
        `--${name} is given, too`,
        `leave it out: --${name} takes the place of all before`,
      );
    settings[setting] = initial;
  }
  const removeSecrets = (given.texts('removeSecret') ?? []).map(secretId);
  if (Object.values(settings).every((value) => value === undefined) && removeSecrets.length === 0) {
    throw badArgument('client set', 'there is nothing to change', 'see "roundabout client set --help"');
  }
  return shown((await workplace.run('client.set', { name: given.operand, settings, removeSecrets })).result);
}

async function remove(given: Given, workplace: Workplace): Promise<Outcome> {
  const name = given.operand;
  const { result: client } = await workplace.run('client.show', { name });
  const consent = consentOf(given, workplace);
  const { left: _, quotasLeft: __, ...view } = client;
  const facts = factsOf(client).filter(([, value]) => value !== '');
  const lost = 'Its settings are lost, and its secrets for good. What it has used stays in the ledger.';
  const shown = { json: { ...view, removed: false }, lines: [...formatFacts(facts), '', lost] };
  const refusal = await refusalOf(consent, shown, { question: 'Remove it?', nothing: 'nothing is removed' });
  if (refusal !== null) return refusal;
  const { result: removed } = await workplace.run('client.remove', { name });
  return { ...done('removed', removed), json: { ...removed, removed: true } };
}

function secretId(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw badArgument('--remove-secret', `"${text}" is no id of a secret`, 'see "roundabout client show NAME"');
}

/** What isn't given is undefined, and left out of the JSON that is sent. */
function settingsOf(given: Given): Record<string, unknown> {
  return {
    pools: given.texts('pool'),
    allowIp: given.texts('allowIp'),
    ipAuth: given.flag('ipAuth'),
    params: given.text('params'),
    allow: given.texts('allow'),
    deny: given.texts('deny'),
    dialects: given.texts('dialect'),
    replyFields: given.text('replyFields'),
    limits: given.texts('limit'),
    quotas: given.texts('quota'),
  };
}

function listing(clients: readonly ClientView[], { screen }: Workplace): Outcome {
  if (clients.length === 0)
    return { json: clients, lines: ['no clients yet: add one with "roundabout client add NAME"'] };
  const rows = clients.map(({ client, enabled, pools, allowIp, ipAuth, secrets, params }) => [
    client,
    enabled ? 'enabled' : 'disabled',
    pools.join(' ') || 'every',
    (allowIp.join(' ') || 'anywhere') + (ipAuth ? ' (credential)' : ''),
    secrets.length,
    params,
  ]);
  return {
    json: clients,
    lines: formatTable(['CLIENT', 'STATE', 'POOLS', 'SOURCES', 'SECRETS', 'PARAMS'], rows, screen),
  };
}

function shown(client: ClientView): Outcome {
  return { json: client, lines: formatFacts(factsOf(client)) };
}

function withLimits(client: ClientState): Outcome {
  const left = (client.left ?? []).map(({ name, quota, left: now }): [string, string] => [
    `left of ${name}`,
    `${now} of ${quota}`,
  ]);
  const quotas = (client.quotasLeft ?? []).map((view): [string, string] => [
    `left of ${view.name}${view.kind === 'soft' ? ' (soft)' : ''}`,
    `${figure(view, 'left')} of ${figure(view, 'quota')}${view.until === null ? '' : `, until ${view.until}`}`,
  ]);
  return { json: client, lines: formatFacts([...factsOf(client), ...left, ...quotas]) };
}

function withSecret(client: ClientWithSecret): Outcome {
  const secret = client.secret === null ? 'none' : `${client.secret}  (shown this once: keep it now)`;
  return {
    json: client,
    lines: formatFacts([['client', client.client], ['secret', secret], ...factsOf(client).slice(1)]),
  };
}

function done(what: string, client: ClientView): Outcome {
  return { json: client, lines: [`client ${client.client} ${what}`] };
}

function factsOf(client: ClientView): [string, string][] {
  return [
    ['client', client.client],
    ['state', client.enabled ? 'enabled' : 'disabled'],
    ['pools', client.pools.join(' ') || 'every'],
    ['sources', client.allowIp.join(' ') || 'anywhere'],
    ['ip-auth', client.ipAuth ? 'yes' : 'no'],
    ['params', client.params],
    ['allow', client.allow.join(' ')],
    ['deny', client.deny.join(' ')],
    ['dialects', client.dialects.join(' ')],
    ['reply fields', client.replyFields ?? 'as the listener says'],
    ['limits', client.limits.join('; ')],
    ['quotas', client.quotas.join('; ')],
    ['secrets', client.secrets.map(({ id, createdAt }) => `#${id} of ${createdAt}`).join(', ')],
    ['created', client.createdAt],
    ['updated', client.updatedAt],
  ];
}
