import { type ErrorKind, GatewayError } from '../errors.ts';
import type { LeaseKey } from '../memory/lease.ts';
import type { ClientDirectory, ClientRecord } from '../policy/client-directory.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { Authority } from '../protocol/authority.ts';
import type { ReceivedCredential } from '../protocol/credentials.ts';
import { type Fault, type Parsed, parsed } from '../protocol/decoded.ts';
import { type Candidate, type Dialect, dialects, identify } from '../protocol/dialects.ts';
import { mergeParams, type Params } from '../protocol/params.ts';
import { parseParamText } from '../protocol/username.ts';
import type { Collaborators } from './collaborators.ts';
import type { Admission, Mode } from './exchange.ts';
import { LinkKeys } from './forwarding/link-keys.ts';
import type { Bounds, BoundsByHost } from './limits/bounds.ts';

/** What a client shows of itself. */
export interface Introduction {
  /** The credential as it was sent, in any form that tells it from all others; null where it sent none. */
  readonly evidence: string | null;
  /** Reads that credential. Throws auth_required or auth_failed where it is none. */
  readonly credential: () => ReceivedCredential;
  /** Its address. */
  readonly source: string;
  /** The listener's name. */
  readonly listener: string;
  /** The client that the listener is bound to, or null. */
  readonly boundClient: string | null;
  /** Those the listener understands; a client may have switched on others for itself. */
  readonly dialects: readonly Dialect[];
  /** X-Scrapoxy-Proxyname, where that dialect is on. */
  readonly exitField?: string;
}

/** Who it is, and what its user name asks for. A login that is remembered goes on being this very value. */
export interface Identity {
  readonly client: ClientRecord;
  readonly params: Params;
  /** Why what it asks for can't be understood (bad_param); then `params` are none. It is told and booked when it is admitted: whom it
   *  concerns is known by then. */
  readonly fault: GatewayError | null;
  /** What it was admitted to last: exchanges that are admitted to the same share it. */
  admission: Admission | null;
  /** What its exchanges come under, by host: the same as for all logins of its client with its tag. */
  readonly bounds: BoundsByHost;
}

/** Authenticates one request. Throws auth_required, auth_failed or rate_limited (too many failed logins from this source). */
export function authenticate(deps: Collaborators, introduction: Introduction): Identity {
  const { evidence } = introduction;
  if (evidence === null) return bySource(deps, introduction);
  const directory = deps.directory();
  const known = deps.verified.recall(directory, introduction);
  if (known !== undefined) return known;
  const identity = logIn(deps, introduction, directory);
  deps.verified.remember(directory, introduction, identity);
  return identity;
}

/** Tries all that the credential may mean, and counts a failure only when none of it is right. */
function logIn(deps: Collaborators, introduction: Introduction, directory: ClientDirectory): Identity {
  const { source } = introduction;
  const credential = introduction.credential();
  const now = deps.now();
  const failed = new Set<string>();
  let waitS: number | null = null;
  for (const { name, candidate } of readings(credential, introduction, directory)) {
    const leave = deps.logins.mayTry(source, name, now);
    if (!leave.ok) {
      waitS = leave.retryAfterS;
      continue;
    }
    const result = directory.authenticate({ name, secret: candidate.secret, source });
    if (result.ok) {
      deps.logins.succeeded(source, name, now);
      return identityOf(deps, result.client, candidate.params());
    }
    failed.add(name);
  }
  for (const name of failed) {
    const leave = deps.logins.failed(source, name, now);
    if (!leave.ok) waitS = leave.retryAfterS;
  }
  if (waitS !== null) throw new GatewayError('rate_limited', { detail: 'too many failed logins', retryAfterS: waitS });
  throw new GatewayError('auth_failed', { detail: 'unknown client or wrong secret' });
}

/** All that a credential may mean, in the order in which to try it: by our own form, and by those dialects that are switched on
 *  for the listener or for the client they name. One that names nobody is somebody's failure all the same. */
function readings(
  credential: ReceivedCredential,
  { boundClient, exitField, dialects: spoken }: Introduction,
  directory: ClientDirectory,
): { name: string; candidate: Candidate }[] {
  return [credential, ...credential.alternatives]
    .flatMap((reading) => identify(reading, dialects, exitField))
    .map((candidate) => ({ name: candidate.client ?? boundClient ?? '', candidate }))
    .filter(({ name, candidate: { dialect } }) => {
      return dialect === null || spoken.includes(dialect) || directory.get(name)?.dialects.includes(dialect) === true;
    });
}

/** Decides by which pools an authenticated client may reach `authority`. Throws bad_param (a pool that isn't its own), no_exit
 *  (no pool to use), target_forbidden, target_ip_forbidden, or loop. */
export function authorise(deps: Collaborators, identity: Identity, target: Target): Admission {
  const open: string[] = [];
  const disabled: string[] = [];
  let verdict: GatewayError | null = null;
  const all = poolsFor(deps, identity);
  const isOpen = wasOpen(deps, target, all);
  for (const pool of all) {
    const refusal = isOpen ? null : judge(deps, identity, { target, pool });
    if (refusal !== null) verdict ??= refusal;
    else if (deps.bars.isDisabled(pool)) disabled.push(pool);
    else open.push(pool);
  }
  if (open.length === 0 && disabled.length > 0) throw allDisabled(disabled);
  if (open.length === 0 && verdict !== null) throw verdict;
  if (!isOpen && verdict === null) noteOpen(deps, target, all);
  // Rather than the one that grew: it has room for more, and lives as long as the exchange.
  const admission = admissionTo(deps, identity, open.length === all.length ? all : open);
  return disabled.length === 0 ? admission : { ...admission, disabled };
}

/** Where an exchange is to go, and how. */
interface Target {
  readonly authority: Authority;
  readonly mode: Mode;
  readonly bounds: Bounds;
}

function judge(
  deps: Collaborators,
  { client }: Identity,
  { target: { authority, mode }, pool }: { readonly target: Target; readonly pool: string },
): GatewayError | null {
  const method = mode === 'forward' ? 'forward' : 'connect';
  return deps.rules().judgeTarget(authority, { pool, client: client.rules, method });
}

/** Whether the target was found open to all of these pools, by rules that hold still and by nothing else. */
function wasOpen(deps: Collaborators, { authority, mode, bounds }: Target, pools: readonly string[]): boolean {
  const rules = deps.rules();
  const isKnown = bounds.openBy === rules.mark && bounds.openAs === mode && bounds.openPort === authority.port;
  return isKnown && isSame(bounds.openTo, pools) && rules.decideAlone(authority);
}

function noteOpen(deps: Collaborators, { authority, mode, bounds }: Target, pools: readonly string[]): void {
  const rules = deps.rules();
  if (!rules.decideAlone(authority)) return;
  bounds.openBy = rules.mark;
  bounds.openTo = pools;
  bounds.openAs = mode;
  bounds.openPort = authority.port;
}

function allDisabled(pools: readonly string[]): GatewayError {
  const named = pools.length === 1 ? `pool ${pools[0]} is` : `pools ${pools.join(', ')} are`;
  return new GatewayError('no_exit', { detail: `${named} disabled` });
}

/** Admits a client to these pools. */
export function admissionTo(deps: Collaborators, identity: Identity, pools: readonly string[]): Admission {
  const { client, params, admission: last } = identity;
  if (last !== null && isSame(last.pools, pools)) return last;
  const leaseKey = leaseKeyOf(deps, identity);
  identity.admission = { client, params, pools, leaseKey, filter: filterOf(params, pools), links: new LinkKeys() };
  return identity.admission;
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one, at) => one === others[at]);

function filterOf(params: Params, pools: readonly string[]): ExitFilter {
  const { tier, country, region, state, city, zip, asn, isp, exit, ip } = params;
  return { pools, tier: tier === 'auto' ? undefined : tier, country, region, state, city, zip, asn, isp, exit, ip };
}

/** The key of the session's lease, keyed with a secret so that no chosen name meets another's; null without a session. */
function leaseKeyOf(deps: Collaborators, { client, params }: Identity): LeaseKey | null {
  return params.session === undefined ? null : deps.leaseKey(client.name, params.session);
}

/** A source's address as the only credential: for clients that can send no other (Chromium's SOCKS5). */
function bySource(deps: Collaborators, { source, boundClient }: Introduction): Identity {
  const client = deps.directory().bySource(source, boundClient ?? undefined);
  if (client === null) throw new GatewayError('auth_required', { detail: 'send a client name and its secret' });
  return identityOf(deps, client, parsed({}));
}

/** A client's defaults were judged when they were stored; ones that no longer parse must not be dropped in silence. */
function identityOf({ verified }: Collaborators, client: ClientRecord, given: Parsed<Params>): Identity {
  const as = (params: Params, fault: GatewayError | null): Identity => {
    return { client, params, fault, admission: null, bounds: verified.boundsOf(client, params.tag) };
  };
  const defaults = parseParamText(client.params);
  if (!defaults.ok)
    return as({}, new GatewayError('bad_param', { detail: `in the client's defaults: ${defaults.fault.detail}` }));
  const params = given.ok ? mergeParams(defaults.value, given.value) : given;
  return params.ok ? as(params.value, null) : as({}, faultError(params.fault));
}

/** The pools that a request with these parameters may leave by. Throws bad_param (a pool that isn't its own) and no_exit. */
export function poolsFor(
  deps: Collaborators,
  { client, params }: Pick<Identity, 'client' | 'params'>,
): readonly string[] {
  const isOwn = (name: string): boolean => client.pools.length === 0 || client.pools.includes(name);
  if (params.pool !== undefined) {
    if (deps.registry.pool(params.pool) !== undefined && isOwn(params.pool)) return [params.pool];
    throw new GatewayError('bad_param', { detail: `pool "${params.pool}" is not one of this client's pools` });
  }
  const { tier } = params;
  const { defaultPool } = deps.settings();
  if (tier === undefined && defaultPool !== null && isOwn(defaultPool)) return [defaultPool];
  const own = deps.registry.pools().filter((pool) => isOwn(pool.name));
  if (own.length === 0) throw new GatewayError('no_exit', { detail: 'this client has no pool' });
  if (tier === undefined && client.pools.length === 0)
    throw new GatewayError('no_exit', { detail: `no default pool is set; name one with pool-NAME of ${told(own)}` });
  const fitting = tier === undefined || tier === 'auto' ? own : own.filter((pool) => pool.tier === tier);
  if (fitting.length > 0) return fitting.map((pool) => pool.name);
  throw new GatewayError('no_exit', { detail: `no pool of tier ${tier}: this client has ${told(own)}` });
}

/** Pools that are named to a client at most. */
const MOST_TOLD = 8;

/** The pools' names and tiers, for a client to choose from. */
function told(pools: readonly { readonly name: string; readonly tier: string }[]): string {
  const named = pools.slice(0, MOST_TOLD).map(({ name, tier }) => `${name} (${tier})`);
  const more = pools.length - named.length;
  return more === 0 ? named.join(', ') : `${named.join(', ')} and ${more} more`;
}

/** A decoder's fault as the error that ends an exchange. */
export function faultError({ kind, detail, status, socks5 }: Fault & { socks5?: number }): GatewayError {
  return new GatewayError(kind satisfies ErrorKind, { detail, status, socks5 });
}
