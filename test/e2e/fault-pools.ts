import { testCertificate } from '../support/certificate.ts';
import { type Exit, startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type FaultExit, type FaultMode, type FaultProtocol, startFaultExit } from '../support/fault-exits.ts';

/** The modes in which no answer is to be had over an exit, whatever is asked of it … */
const anyRequest: readonly FaultMode[] = [
  'refuse',
  'blackhole',
  'resetAtOnce',
  'resetAfterRequest',
  'finAfterRequest',
  'garbage',
  'truncatedHead',
  'slowHead',
];

/** … and those that are a failure of a tunnel only: in forwarding an answer. */
const tunnelsOnly: readonly FaultMode[] = ['lyingLength', 'page200', 'status-502'];

/** How an exit fails, and whether forwarding fails over it too. */
export interface FaultCase {
  readonly protocol: FaultProtocol;
  readonly mode: FaultMode;
  readonly forward: boolean;
}

/** Every mode that must be failed over from, with each protocol in which it can occur. */
export function faultCases(protocol: FaultProtocol): readonly FaultCase[] {
  const cases = (modes: readonly FaultMode[], forward: boolean) => modes.map((mode) => ({ protocol, mode, forward }));
  // A SOCKS exit always carries a tunnel.
  if (protocol === 'socks5') return cases([...anyRequest, 'lyingLength', 'rep-1', 'rep-2'], true);
  const inTls: FaultMode[] = protocol === 'https' ? ['resetInTls'] : [];
  return [...cases([...anyRequest, ...inTls, 'hugeHead', 'status-407'], true), ...cases(tunnelsOnly, false)];
}

/** A name for the pool of a case, fit for the username grammar. */
export function poolName(kind: string, { protocol, mode }: Pick<FaultCase, 'protocol' | 'mode'>): string {
  return `${kind}.${protocol}.${mode.replace('-', '').toLowerCase()}`;
}

/** Starts `count` exits that fail so, each at an endpoint of its own. */
export function startBadExits({ protocol, mode }: FaultCase, count: number): Promise<FaultExit[]> {
  return Promise.all(Array.from({ length: count }, () => startFaultExit({ protocol, mode })));
}

const starts = { http: startHttpExit, https: startHttpsExit, socks5: startSocks5Exit };

/** Starts `count` good exits. */
export function startGoodExits(protocol: FaultProtocol, count: number): Promise<Exit[]> {
  return Promise.all(Array.from({ length: count }, () => starts[protocol]()));
}

/** Entries of a pool file; `https` exits are verified by `exit.pem` (see `exitAuthority`). */
export function entriesOf(exits: readonly { readonly url: string }[]): object[] {
  return exits.map(({ url }) => (url.startsWith('https:') ? { url, ca: 'exit.pem' } : { url }));
}

/** The file that `entriesOf` names. */
export async function exitAuthority(): Promise<Record<string, string>> {
  return { 'exit.pem': (await testCertificate()).cert };
}
