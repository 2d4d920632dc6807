import test from 'ava';
import { authorise, type Identity } from '../../src/gateway/admission.ts';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Mode } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { AddressRules } from '../../src/policy/address-rules.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { parseAuthority } from '../../src/protocol/authority.ts';

/** A gateway with two pools, whose rules and hosts file can change, and one client, whose exchanges to one host share their bounds. */
class Scene {
  readonly hosts = new Map<string, readonly string[]>();
  disabled: string | null = null;
  #rules: AddressRules;
  readonly #bounds: Bounds;

  constructor(host: string, allow: readonly Rule[] = []) {
    this.#bounds = new Bounds(1, host, host);
    this.#rules = this.#rulesOf(allow, []);
  }

  reload(rules: { readonly allow?: readonly Rule[]; readonly deny?: readonly Rule[] }): void {
    this.#rules = this.#rulesOf(rules.allow ?? [], rules.deny ?? []);
  }

  /** What becomes of an exchange: the pools that it may leave by, or the kind of its refusal. */
  fate({ port = 443, mode = 'connect', pool = 'retail' }: { port?: number; mode?: Mode; pool?: string } = {}): string {
    const authority = parseAuthority(`${this.#bounds.host}:${port}`, null);
    if (!authority.ok) return 'no authority';
    const client = { name: 'tester', pools: [], rules: { allow: [], deny: [] } };
    const identity = { client, params: { pool }, fault: null, admission: null } as unknown as Identity;
    const deps = {
      rules: () => this.#rules,
      registry: { pool: (name: string) => (name === 'gone' ? undefined : { name }) },
      bars: { isDisabled: (name: string) => name === this.disabled },
    } as unknown as Collaborators;
    try {
      return authorise(deps, identity, { authority: authority.value, mode, bounds: this.#bounds }).pools.join(' ');
    } catch (refusal) {
      return (refusal as { kind: string }).kind;
    }
  }

  #rulesOf(allow: readonly Rule[], deny: readonly Rule[]): AddressRules {
    return new AddressRules({
      rules: { allow, deny, browserHosts: 'deny' },
      own: { listeners: [], admin: [], local: [] },
      hosts: (name) => this.hosts.get(name),
    });
  }
}

test('a target that was found open is open there and in that way alone', (t) => {
  const scene = new Scene('shop.example', [{ port: { from: 25, to: 25 }, pool: 'retail' }]);
  t.is(scene.fate(), 'retail');
  t.is(scene.fate(), 'retail');
  t.is(scene.fate({ port: 22 }), 'target_forbidden', 'another port');
  t.is(scene.fate({ port: 25 }), 'retail');
  t.is(scene.fate({ port: 25, pool: 'other' }), 'target_forbidden', 'a pool that has no such rule');
  t.is(scene.fate({ port: 81, mode: 'forward' }), 'retail');
  t.is(scene.fate({ port: 81, mode: 'connect' }), 'target_forbidden', 'another way');
});

test('it is judged anew by other rules, and an operator’s bar holds at once', (t) => {
  const scene = new Scene('shop.example');
  t.is(scene.fate(), 'retail');
  scene.disabled = 'retail';
  t.is(scene.fate(), 'no_exit');
  scene.disabled = null;
  scene.reload({ deny: [{ suffix: 'shop.example' }] });
  t.is(scene.fate(), 'target_forbidden');
  scene.reload({});
  t.is(scene.fate(), 'retail');
});

test('what was open by a line of the hosts file is closed with that', (t) => {
  const scene = new Scene('box.local');
  t.is(scene.fate(), 'target_ip_forbidden');
  scene.hosts.set('box.local', ['1.2.3.4']);
  t.is(scene.fate(), 'retail');
  scene.hosts.set('box.local', ['10.0.0.1']);
  t.is(scene.fate(), 'target_ip_forbidden');
  scene.hosts.set('box.local', ['1.2.3.4']);
  t.is(scene.fate(), 'retail');
  scene.hosts.clear();
  t.is(scene.fate(), 'target_ip_forbidden');
});
