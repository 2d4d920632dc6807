import test from 'ava';
import { drawCharacter, seededRandom } from '../../src/demo/exit-character.ts';

const draws = 20_000;

test('latencies are within bounds and differ, failures are few and of both kinds', (t) => {
  const character = drawCharacter('http', 1, seededRandom(3));
  t.like(character, { country: 'de', label: 'de-http-2' });
  const latencies = Array.from({ length: draws }, character.latencyMs);
  t.true(Math.min(...latencies) >= 30 && Math.max(...latencies) <= 400);
  t.true(new Set(latencies).size > draws / 2);
  const failures = Array.from({ length: draws }, character.failure).filter((failure) => failure !== null);
  t.true(failures.length > 0.02 * draws && failures.length < 0.04 * draws);
  t.is(new Set(failures).size, 2);
});

test('the same seed draws the same character', (t) => {
  const [one, same, other] = [5, 5, 6].map((seed) => drawCharacter('socks5', 0, seededRandom(seed)).latencyMs());
  t.is(one, same);
  t.not(one, other);
});
