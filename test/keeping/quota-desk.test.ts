import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openQuotaDesk } from '../../src/keeping/quota-desk.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';

test('where no gateway runs a quota that was never used is begun anew without a fault', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-quotas-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const reading = parseQuotaRule('requests=5/day');
  if (!reading.ok) throw new Error(reading.message);
  const everyone = [reading.value];
  const warnings: string[] = [];
  const { desk, close } = openQuotaDesk(folder, {
    wallTime: () => Date.parse('2026-11-27T12:00Z'),
    everyone: () => everyone,
    warn: (line) => warnings.push(line),
  });
  t.like(desk.reset({ name: 'acme', quotas: [] }, null), [{ name: 'requests/day', spent: 0 }]);
  t.deepEqual(warnings, []);
  close();
});
