import { GatewayError } from '../errors.ts';
import { readingsOf } from '../protocol/address-range.ts';
import { type Authority, canonicalAddress, type Host } from '../protocol/authority.ts';
import { isBrowserHost } from './browser-hosts.ts';
import { ClosedAddresses } from './closed-addresses.ts';
import { isLocalName, loopbackOf } from './closed-names.ts';
import { isPortOpen } from './closed-ports.ts';
import { type OwnAddresses, OwnPlaces } from './own-addresses.ts';
import type { ClientRules, RuleSubject } from './rule.ts';
import { type PoolRules, RuleBook } from './rule-book.ts';

/** Null: allowed. Otherwise why not: target_forbidden, target_ip_forbidden or loop. */
export type RuleVerdict = GatewayError | null;

/** The exchange for which a target is judged. */
export interface RuleContext {
  readonly pool: string;
  readonly client?: ClientRules;
  /** A SOCKS5 CONNECT is `connect`. */
  readonly method: 'connect' | 'forward';
}

export interface AddressRulesOptions {
  readonly rules: ClientRules & { readonly browserHosts: 'deny' | 'allow' };
  readonly own: OwnAddresses;
  /** The addresses that this machine's hosts file gives a canonical name. */
  readonly hosts?: (name: string) => readonly string[] | undefined;
}

/** A target under judgement: host and port as asked for, with all readings of one address where one is known. */
interface Target extends RuleSubject {
  readonly readings: readonly string[];
}

/** Where exchanges may go. In order: our own sockets never; deny (everybody's, then the client's) always wins; then allow opens
 *  what is closed by default. A rule opens exactly what it names: `cidr` (or an address as `host`) a closed address, `host` or
 *  `suffix` without `cidr` a closed name, `port` a closed port, for what its other parts match. So a name that was opened still
 *  can't lead into a closed range: that takes `cidr`, because a name's owner chooses its addresses. */
export class AddressRules {
  /** Stands for these rules with whoever remembers a verdict of theirs, and must not keep them alive. */
  readonly mark: object = {};
  readonly #own: OwnPlaces;
  readonly #closed = new ClosedAddresses();
  readonly #book: RuleBook;
  readonly #clients = new WeakMap<ClientRules, RuleBook>();
  readonly #browserHostsOpen: boolean;
  readonly #hosts: (name: string) => readonly string[] | undefined;

  /** Throws RangeError where a rule's cidr is no range. */
  constructor(options: AddressRulesOptions) {
    this.#own = new OwnPlaces(options.own);
    this.#book = new RuleBook(options.rules);
    this.#browserHostsOpen = options.rules.browserHosts === 'allow';
    this.#hosts = options.hosts ?? (() => undefined);
  }

  /** Judges what a client asked for, before an exit is dialled. A name passes unless it is a known local one: where it is
   *  resolved here, its addresses are judged by judgeAddress as well. `roundabout.internal` is not for this. */
  judgeTarget(authority: Authority, context: RuleContext): RuleVerdict {
    const { host, port, family } = authority;
    if (family !== 0) return this.judgeAddress(host, port, { ...context, host });
    const known = this.#hosts(host) ?? loopbackOf(host);
    const scopes = this.#scopes(context);
    if (known !== undefined) return this.#judgeKnown({ host, port }, { known, scopes, method: context.method });
    const target = { host, port, readings: [] };
    if (isDenied(target, scopes)) return forbidden('a rule denies this target');
    const opened = scopes.some((scope) => scope.allowNames.matches(target, null));
    if (isLocalName(host) && !opened) return forbiddenIp('local names are closed (rules.allow)');
    if (isBrowserHost(host) && !this.#browserHostsOpen && !opened) {
      return forbidden('hosts that browsers call on their own account are closed (rules.browserHosts)');
    }
    return judgePort([target], scopes, context.method);
  }

  /** Whether what judgeTarget() says of a target holds as long as these rules do: of a name to which the hosts file gives no address
   *  now, and of any address. */
  decideAlone({ host, family }: Host): boolean {
    return family !== 0 || this.#hosts(host) === undefined;
  }

  /** Judges an address about to be dialled, or named as the target. `host` is what the client asked for. Fails closed: what is
   *  no address is target_ip_forbidden. */
  judgeAddress(address: string, port: number, context: RuleContext & { readonly host: string }): RuleVerdict {
    const target = targetAt(address, { host: context.host, port });
    if (target === null) return forbiddenIp('the target is no address');
    const scopes = this.#scopes(context);
    const verdict = this.#judgeOwn(target) ?? judgeDenied(target, scopes);
    if (verdict !== null) return verdict;
    if (!this.#isOpen(target, scopes)) return forbiddenIp('the address is in a closed range (rules.allow)');
    return judgePort([target], scopes, context.method);
  }

  /** Judges an address that an exit's endpoint is about to be dialled at. Endpoints may be anywhere but at ourselves. What is wrong
   *  with one is the exit's failure: whoever writes a list could otherwise have exchanges end that another exit would serve. */
  judgeEndpoint(address: string, port: number): RuleVerdict {
    const target = targetAt(address, { host: address, port });
    const verdict = target === null ? forbiddenIp('the endpoint is no address') : this.#judgeOwn(target);
    return verdict && new GatewayError(verdict.kind, { detail: 'the exit is at this gateway', by: 'exit' });
  }

  /** A name whose addresses are known here, though perhaps not to the exit: one that is ours or denied condemns it, one that is
   *  open saves it, since the address dialled is judged again. */
  #judgeKnown(
    subject: RuleSubject,
    {
      known,
      scopes,
      method,
    }: { known: readonly string[]; scopes: readonly PoolRules[]; method: RuleContext['method'] },
  ): RuleVerdict {
    const named = { ...subject, readings: [] };
    const targets = known.map((address) => targetAt(address, subject)).filter((target) => target !== null);
    for (const target of [named, ...targets]) {
      const verdict = this.#judgeOwn(target) ?? judgeDenied(target, scopes);
      if (verdict !== null) return verdict;
    }
    const opened = scopes.some((scope) => scope.allowNames.matches(subject, null));
    const open = targets.filter((target) => this.#isOpen(target, scopes));
    if (open.length === 0 && !opened) return forbiddenIp('local names are closed (rules.allow)');
    return judgePort([named, ...open], scopes, method);
  }

  #judgeOwn({ readings, port }: Target): RuleVerdict {
    for (const address of readings) {
      const place = this.#own.at(address, port);
      if (place === 'listener') return new GatewayError('loop', { detail: 'the target is this gateway' });
      if (place === 'admin') return forbiddenIp('the target is this gateway');
    }
    return null;
  }

  /** Whether every closed reading was opened: an address inside an IPv6 one doesn't open what carries it. */
  #isOpen(target: Target, scopes: readonly PoolRules[]): boolean {
    return target.readings.every(
      (address) => !this.#closed.has(address) || scopes.some((scope) => scope.allowAddresses.matches(target, address)),
    );
  }

  #scopes({ pool, client }: RuleContext): readonly PoolRules[] {
    const general = this.#book.of(pool);
    if (client === undefined) return [general];
    let book = this.#clients.get(client);
    if (book === undefined) {
      book = new RuleBook(client);
      this.#clients.set(client, book);
    }
    return [general, book.of(pool)];
  }
}

function targetAt(address: string, subject: RuleSubject): Target | null {
  const canonical = canonicalAddress(address);
  return canonical === null ? null : { host: subject.host, port: subject.port, readings: readingsOf(canonical) };
}

function judgeDenied(target: Target, scopes: readonly PoolRules[]): RuleVerdict {
  if (!isDenied(target, scopes)) return null;
  const byName = scopes.some((scope) => scope.deny.matches(target, null));
  return byName ? forbidden('a rule denies this target') : forbiddenIp('a rule denies this address');
}

function isDenied(target: Target, scopes: readonly PoolRules[]): boolean {
  return scopes.some((scope) => matchesAny(scope.deny, target));
}

/** A port is open if it is so by default, or by a rule that matches one of `targets`. */
function judgePort(
  targets: readonly Target[],
  scopes: readonly PoolRules[],
  method: RuleContext['method'],
): RuleVerdict {
  const port = targets[0]?.port ?? 0;
  if (isPortOpen(port, method)) return null;
  const opened = targets.some((target) => scopes.some((scope) => matchesAny(scope.allowPorts, target)));
  const what = method === 'connect' ? 'tunnels' : 'forwarding';
  return opened ? null : forbidden(`port ${port} is closed to ${what} (rules.allow)`);
}

function matchesAny(rules: PoolRules['deny'], target: Target): boolean {
  if (target.readings.length === 0) return rules.matches(target, null);
  return target.readings.some((address) => rules.matches(target, address));
}

function forbidden(detail: string): GatewayError {
  return new GatewayError('target_forbidden', { detail });
}

function forbiddenIp(detail: string): GatewayError {
  return new GatewayError('target_ip_forbidden', { detail });
}
