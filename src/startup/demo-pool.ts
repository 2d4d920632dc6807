import type { Config } from '../config/config.ts';
import { type Demo, type DemoExit, startDemo } from '../demo/demo.ts';
import { ensureSelfSigned } from '../listener/certificate.ts';
import type { DemoCounts } from '../pool/pool-file.ts';
import type { Clients } from '../store/clients.ts';

export interface OpenedDemo {
  readonly demo: Demo;
  readonly exits: readonly (DemoExit & { readonly ca: string })[];
}

/** Starts the demo's exits, whose certificate is the gateway's own. */
export async function openDemo(counts: DemoCounts, { data, listeners }: Config): Promise<OpenedDemo> {
  const hosts = listeners.map(({ host }) => host);
  const certificate = await ensureSelfSigned(data, hosts, Date.now());
  const demo = await startDemo({ ...counts, seed: 1, certificate });
  return { demo, exits: demo.exits.map((exit) => ({ ...exit, ca: certificate.cert })) };
}

/** Makes the demo's client where there are no clients yet: for this machine only, since its secret is printed. Returns that
 *  secret, or null later. */
export function demoSecretOf(clients: Clients): string | null {
  if (clients.listClients().length > 0) return null;
  return clients.addClient({ name: 'demo', allowIp: ['127.0.0.0/8', '::1/128'] }).secret;
}
