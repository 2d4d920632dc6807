import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of this package. */
export const packageFolder = fileURLToPath(new URL('../..', import.meta.url));

/** The version of this package. */
export function packageVersion(): string {
  const facts: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof facts === 'object' && facts !== null && 'version' in facts;
  return hasVersion ? String(facts.version) : 'unknown';
}
