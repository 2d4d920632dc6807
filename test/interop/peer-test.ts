import test, { type ExecutionContext } from 'ava';
import { isInstalled, type Program } from './system-programs.ts';

/** Declares a serial test that needs real programs. Where one of them isn't installed, the test is skipped and its title says
 *  why; with ROUNDABOUT_REQUIRE_PEERS=1 it fails. */
export function peerTest(
  title: string,
  needs: readonly Program[],
  body: (t: ExecutionContext) => void | Promise<void>,
): void {
  const missing = needs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return void test.serial(title, body);
  const reason = `not installed: ${missing.join(', ')}`;
  if (process.env['ROUNDABOUT_REQUIRE_PEERS'] === '1') test.serial(title, (t) => t.fail(reason));
  else test.serial.skip(`${title} (${reason})`, body);
}
