import test from 'ava';
import { SiteIndex } from '../../src/data-plane/site-index.ts';
import { SiteTable } from '../../src/memory/site-table.ts';

test('a site in steady use keeps its row while others come and go', (t) => {
  const sites = new SiteTable(SiteTable.allocate(8));
  const index = new SiteIndex(sites, Buffer.alloc(32, 1));
  const row = index.rowOf('steady.example', 0);
  for (let other = 1; other <= 1_000; other++) {
    index.rowOf(`other-${other}.example`, 2 * other);
    t.is(index.rowOf('steady.example', 2 * other + 1), row);
  }
  t.is(sites.nameOf(row), 'steady.example');
});
