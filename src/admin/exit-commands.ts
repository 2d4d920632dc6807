import Type, { type Static } from 'typebox';
import type { PoolRegistry } from '../pool/registry.ts';
import { parseHost } from '../protocol/authority.ts';
import { Sites } from '../signals/sites.ts';
import type { ExitStateName, ExitStates } from '../store/exit-states.ts';
import { checkReason } from '../store/reason.ts';
import { type Command, command } from './command.ts';
import { badArgument, CommandError } from './command-error.ts';
import { exitIdOf } from './exit-names.ts';
import { type ExitStateView, exitStateView } from './exit-state-view.ts';

export interface ExitCommandDeps {
  readonly registry: () => PoolRegistry;
  /** Where they are kept: what changes them makes the store, where there is none yet. */
  readonly exitStates: () => ExitStates;
  /** All that hold, by exit; a look at them makes no store. */
  readonly statesByExit: () => StatesByExit;
  /** In ms since the epoch. */
  readonly wallTime: () => number;
  /** Called after each change, once it is on the disk. */
  readonly onStatesChanged: () => void;
}

type StatesByExit = ExitStates['byExit'];

/** What `exit.freeze`, `exit.drain`, `exit.retire` and `exit.thaw` answer. */
export interface ExitChanges {
  /** The states that hold now; those that ended, for a thaw. */
  readonly changed: readonly ExitStateView[];
  /** What was named and is no exit, where that was allowed. */
  readonly unknown: readonly string[];
}

const names = Type.Array(Type.String(), { minItems: 1, maxItems: 50_000 });
const site = Type.Optional(Type.String());

const chosen = Type.Object(
  { exits: names, site, skipUnknown: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

const judged = Type.Object(
  {
    /** Ids, or unique beginnings of ids. */
    exits: names,
    site,
    /** In ms since the epoch. */
    until: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    reason: Type.Optional(Type.String()),
    /** Passes over names of exits that aren't there, rather than do nothing. */
    skipUnknown: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** `exit.freeze`, `exit.drain`, `exit.retire`, `exit.thaw` → ExitChanges; `exit.states` → ExitStateView[]. */
export function exitCommands(deps: ExitCommandDeps): [string, Command][] {
  const put = (state: ExitStateName) => command(judged, (args) => putState(deps, state, args));
  return [
    ['exit.freeze', put('frozen')],
    ['exit.drain', put('draining')],
    ['exit.retire', put('retired')],
    ['exit.thaw', command(chosen, (args) => thaw(deps, args))],
    ['exit.states', command(Type.Object({}, { additionalProperties: false }), () => allStates(deps))],
  ];
}

/** Throws CommandError and StoreError, and then nothing has changed. */
function putState(deps: ExitCommandDeps, state: ExitStateName, args: Static<typeof judged>): ExitChanges {
  const { until = null, reason = '' } = args;
  if (until !== null && until <= deps.wallTime()) throw badArgument('--until', 'that time is over', 'name one to come');
  if (state === 'retired' && (args.site !== undefined || until !== null))
    throw badArgument('retire', 'a retired exit is retired everywhere and for good', 'freeze it for a site or a time');
  checkReason(reason);
  const registry = deps.registry();
  const { exits, unknown } = resolve(args, registry);
  const at = siteOf(args.site);
  if (exits.length === 0) return { changed: [], unknown };
  const states = deps.exitStates();
  states.put({ exits, site: at, state, until, reason }, (exit) => registry.slotOf(exit) !== undefined);
  deps.onStatesChanged();
  const changed = exits.flatMap((exit) => states.of(exit)).filter((one) => one.site === at);
  return { changed: changed.map((one) => exitStateView(registry, one)), unknown };
}

function thaw(deps: ExitCommandDeps, args: Static<typeof chosen>): ExitChanges {
  const registry = deps.registry();
  const held = deps.statesByExit();
  const { exits, unknown } = resolve(args, registry, held);
  const site = siteOf(args.site);
  if (!exits.some((exit) => held.has(exit))) return { changed: [], unknown };
  const ended = deps.exitStates().end(exits, site);
  if (ended.length > 0) deps.onStatesChanged();
  return { changed: ended.map((one) => exitStateView(registry, one)), unknown };
}

function allStates({ registry, statesByExit }: ExitCommandDeps): readonly ExitStateView[] {
  return [...statesByExit().values()].flat().map((state) => exitStateView(registry(), state));
}

/** What is meant by the names. Exits that are in no pool can be named where they have a state. */
function resolve(
  { exits, skipUnknown = false }: Static<typeof chosen>,
  registry: PoolRegistry,
  held?: StatesByExit,
): { exits: readonly string[]; unknown: readonly string[] } {
  const ids = new Set<string>();
  const unknown: string[] = [];
  for (const name of exits) {
    try {
      ids.add(exitIdOf(registry, name, held?.keys()));
    } catch (fault) {
      if (!skipUnknown || !(fault instanceof CommandError) || fault.code !== 'not_found') throw fault;
      unknown.push(name);
    }
  }
  return { exits: [...ids], unknown };
}

/** The site of the host that is named; null where none is. */
function siteOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const host = parseHost(text);
  if (host.ok) return new Sites().of(host.value.host);
  throw badArgument('--site', `"${text}" is no host`, 'write the name of a site, such as example.com');
}
