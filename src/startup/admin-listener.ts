import { type AdminPages, type HealthServer, startHealthServer } from '../admin/health-server.ts';
import type { Config } from '../config/config.ts';
import { StartFault } from '../threads/start-fault.ts';

/** Serves the pages of health and metrics, over `most` connections at once. Rejects with StartFault where it can't listen. */
export function startAdmin(admin: Config['admin'], most: number, pages: AdminPages): Promise<HealthServer> {
  return startHealthServer({ ...admin, ...pages, most }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartFault(1, [`admin: cannot listen on ${admin.host}:${admin.port}: ${why}`], { cause });
  });
}
