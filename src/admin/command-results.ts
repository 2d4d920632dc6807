import type { ReportedExchange } from '../gateway/internal/report.ts';
import type { CheckPlan, CheckState } from './check-command.ts';
import type { ClientState, ClientView, ClientWithSecret } from './client-view.ts';
import type { ExitChanges } from './exit-commands.ts';
import type { ExitDetail } from './exit-detail.ts';
import type { ExitPage } from './exit-page.ts';
import type { ExitStateView } from './exit-state-view.ts';
import type { ExitWalk } from './exit-walk.ts';
import type { Health } from './health.ts';
import type { PoolStats } from './pool-stats.ts';
import type { FormerPool, PoolView } from './pool-view.ts';
import type { ClientQuotaView } from './quota-commands.ts';
import type { PoolReload } from './reload-command.ts';
import type { SessionList, SessionView } from './session-view.ts';

/** What each command answers, as JSON. */
export interface CommandResults {
  readonly 'client.add': ClientWithSecret;
  readonly 'client.list': readonly ClientView[];
  readonly 'client.show': ClientState;
  readonly 'client.set': ClientView;
  readonly 'client.rotate': ClientWithSecret;
  readonly 'client.enable': ClientView;
  readonly 'client.disable': ClientView;
  readonly 'client.remove': ClientView;
  readonly 'pool.list': readonly PoolView[];
  readonly 'pool.show': PoolView;
  readonly 'pool.reload': PoolReload;
  readonly 'pool.stats': readonly PoolStats[];
  readonly 'pool.enable': PoolView | FormerPool;
  readonly 'pool.disable': PoolView;
  readonly 'exit.list': ExitPage;
  readonly 'exit.walk': ExitWalk;
  readonly 'exit.show': ExitDetail;
  readonly 'exit.freeze': ExitChanges;
  readonly 'exit.drain': ExitChanges;
  readonly 'exit.retire': ExitChanges;
  readonly 'exit.thaw': ExitChanges;
  readonly 'exit.states': readonly ExitStateView[];
  readonly 'check.plan': CheckPlan;
  readonly 'check.start': CheckState;
  readonly 'check.poll': CheckState;
  readonly 'check.stop': CheckState;
  readonly 'exchange.report': ReportedExchange;
  readonly 'session.list': SessionList;
  readonly 'session.show': SessionView;
  readonly 'session.move': SessionView;
  readonly 'session.end': SessionView;
  readonly 'quota.list': readonly ClientQuotaView[];
  readonly 'quota.reset': readonly ClientQuotaView[];
  /** Bookings that wait still, because the ledger can't be written. */
  readonly 'ledger.write': { readonly waiting: number };
  /** Names of a kind, for completion. */
  readonly names: readonly string[];
  readonly health: Health;
}
