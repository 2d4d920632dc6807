import { isIP } from 'node:net';
import { AddressSet, plainAddress } from '../protocol/address-range.ts';
import { parseHost } from '../protocol/authority.ts';

/** One rule of an operator. All parts that are given must match; at least one of the first four is. */
export interface Rule {
  /** A range of addresses, or one. It never matches a name whose address isn't known here. */
  readonly cidr?: string;
  /** A name, exactly; or an address, as if it stood in `cidr`. */
  readonly host?: string;
  /** A name and all names below it, by whole labels. A leading dot makes no difference. */
  readonly suffix?: string;
  /** Both ends belong to it. */
  readonly port?: { readonly from: number; readonly to: number };
  /** The rule holds for exchanges over this pool only. */
  readonly pool?: string;
}

/** Rules that an operator wrote for everybody, or for one client. */
export interface ClientRules {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** What a rule is compared with. */
export interface RuleSubject {
  /** Canonical name or address, as asked for. */
  readonly host: string;
  readonly port: number;
}

/** Rules with the same ports, sorted by the part that they look at: however many there are, a comparison is a few look-ups. */
interface PortGroup {
  readonly from: number;
  readonly to: number;
  readonly hosts: Set<string>;
  readonly suffixes: Set<string>;
  readonly addresses: AddressSet;
  /** Rules that look at a name and at an address. */
  readonly pairs: { readonly host?: string; readonly suffix?: string; readonly addresses: AddressSet }[];
  anyHost: boolean;
}

/** Compiled rules; the order among them doesn't matter. */
export class RuleSet {
  readonly #groups: PortGroup[] = [];

  /** Throws RangeError where a rule's cidr is no range: such a rule must not be passed over. */
  constructor(rules: readonly Rule[]) {
    for (const rule of rules) this.#add(rule);
  }

  /** Whether a rule matches. `address` is one reading of the address (readingsOf), null where it isn't known. */
  matches(subject: RuleSubject, address: string | null): boolean {
    for (const group of this.#groups) {
      if (subject.port >= group.from && subject.port <= group.to && groupMatches(group, subject.host, address))
        return true;
    }
    return false;
  }

  #add(rule: Rule): void {
    const { host, suffix, cidr } = canonicalParts(rule);
    const group = this.#groupOf(rule.port?.from ?? 0, rule.port?.to ?? 65_535);
    const named = host !== undefined || suffix !== undefined;
    if (cidr !== undefined && named) group.pairs.push({ host, suffix, addresses: new AddressSet([cidr]) });
    else if (cidr !== undefined) group.addresses.add(cidr);
    else if (host !== undefined && suffix !== undefined && !endsWithLabels(host, suffix)) return;
    else if (host !== undefined) group.hosts.add(host);
    else if (suffix !== undefined) group.suffixes.add(suffix);
    else group.anyHost = true;
  }

  #groupOf(from: number, to: number): PortGroup {
    const found = this.#groups.find((group) => group.from === from && group.to === to);
    if (found !== undefined) return found;
    const group: PortGroup = {
      from,
      to,
      hosts: new Set(),
      suffixes: new Set(),
      addresses: new AddressSet(),
      pairs: [],
      anyHost: false,
    };
    this.#groups.push(group);
    return group;
  }
}

/** Whether a rule looks at an address, so that it can open a closed one. */
export function namesAddress(rule: Rule): boolean {
  return rule.cidr !== undefined || canonicalParts(rule).cidr !== undefined;
}

/** Whether `name` is `suffix` or lies below it. */
function endsWithLabels(name: string, suffix: string): boolean {
  return name === suffix || (name.endsWith(suffix) && name.at(-suffix.length - 1) === '.');
}

/** Whether `name` or a name above it is in `suffixes`. */
export function hasSuffixIn(suffixes: ReadonlySet<string>, name: string): boolean {
  if (suffixes.size === 0) return false;
  for (let at = 0; ; ) {
    if (suffixes.has(at === 0 ? name : name.slice(at))) return true;
    const dot = name.indexOf('.', at);
    if (dot < 0) return false;
    at = dot + 1;
  }
}

function groupMatches(group: PortGroup, host: string, address: string | null): boolean {
  if (group.anyHost || group.hosts.has(host) || hasSuffixIn(group.suffixes, host)) return true;
  if (address === null) return false;
  if (group.addresses.has(address)) return true;
  for (const pair of group.pairs) {
    if (pair.host !== undefined && pair.host !== host) continue;
    if (pair.suffix !== undefined && !endsWithLabels(host, pair.suffix)) continue;
    if (pair.addresses.has(address)) return true;
  }
  return false;
}

/** A rule's parts in the form that authorities have. An address as `host` is a range of one, so that no other spelling of it
 *  slips by. */
function canonicalParts(rule: Rule): Pick<Rule, 'host' | 'suffix' | 'cidr'> {
  const parsed = rule.host === undefined ? undefined : parseHost(rule.host);
  const host = parsed?.ok ? parsed.value.host : rule.host?.toLowerCase();
  const suffix = rule.suffix?.toLowerCase().replace(/^\.|\.$/g, '');
  if (host === undefined || isIP(host) === 0 || rule.cidr !== undefined) return { host, suffix, cidr: rule.cidr };
  return { suffix, cidr: plainAddress(host) ?? host };
}
