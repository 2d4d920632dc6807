import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import type { DemoOrigins } from './origin.ts';

/** How many exits of each kind, the seed of their latencies and failures, and the certificate (PEM) of the HTTPS exits and of
 *  the HTTPS origin. */
export interface DemoOrder {
  readonly http: number;
  readonly https: number;
  readonly socks5: number;
  readonly seed: number;
  readonly certificate: { readonly cert: string; readonly key: string };
}

/** A demo exit. `url` holds its credential, new at each start; `label` is what X-Demo-Exit shows. */
export interface DemoExit {
  readonly url: string;
  readonly country: string;
  readonly label: string;
}

/** What the demo's process answers once everything listens. */
export interface DemoReport {
  readonly exits: readonly DemoExit[];
  readonly origins: DemoOrigins;
}

/** A running demo. */
export interface Demo extends DemoReport {
  /** Ends its process, and waits for that. */
  close(): Promise<void>;
}

/** Starts the demo's exits and origin on loopback, all in one process of their own: none of that code runs in the gateway's,
 *  and it ends when the gateway does, however that ends. Orders and credentials go over the channel between the two, never by
 *  command line or environment. Rejects where the process ends before it serves. */
export async function startDemo(order: DemoOrder): Promise<Demo> {
  // The published files end in .js, those of a checkout in .ts.
  const program = new URL(`./demo-process${extname(import.meta.url)}`, import.meta.url);
  const child = fork(program, {
    env: {},
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  child.send(order);
  const failed = ended.then(() => Promise.reject(new Error('the demo ended before it served')));
  const [report]: DemoReport[] = await Promise.race([once(child, 'message'), failed]);
  if (report === undefined) throw new Error('the demo sent no report');
  return {
    ...report,
    close: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
