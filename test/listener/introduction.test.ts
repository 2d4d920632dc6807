import test from 'ava';
import type { Identity } from '../../src/gateway/admission.ts';
import type { ListenerContext } from '../../src/listener/context.ts';
import { ConnectionLogin } from '../../src/listener/introduction.ts';
import { Fields } from '../../src/protocol/fields.ts';

/** A connection to a listener that speaks Scrapoxy's dialect, and who was looked up for it, each time anew. */
function scene() {
  const looked: string[] = [];
  let directory = { mark: {} };
  const verified = {
    recall: (_: object, { evidence, exitField = '' }: { evidence: string; exitField?: string }) => {
      looked.push(`${evidence.replaceAll('\n', '+')} ${exitField}`);
      return { client: looked.length } as unknown as Identity;
    },
  };
  const gateway = { directory: () => directory, verified };
  const context = { name: 'mixed', boundClient: null, dialects: ['scrapoxy'], gateway } as unknown as ListenerContext;
  const login = new ConnectionLogin(context, '127.0.0.1', null);
  const ask = (credentials: readonly string[], exitField?: string): Identity => {
    const fields = new Fields();
    for (const credential of credentials) fields.append('Proxy-Authorization', credential);
    if (exitField !== undefined) fields.append('X-Scrapoxy-Proxyname', exitField);
    return login.of(fields);
  };
  const change = (): void => {
    directory = { mark: {} };
  };
  return { ask, looked, change };
}

test('who asks as before is known without a look', (t) => {
  const { ask, looked } = scene();
  const first = ask(['Basic one']);
  t.is(ask(['Basic one']), first);
  t.deepEqual(looked, ['Basic one ']);
});

test('another credential, exit or number of credentials is looked up', (t) => {
  const { ask, looked } = scene();
  ask(['Basic one']);
  ask(['Basic two']);
  ask(['Basic two'], 'exit7');
  ask(['Basic two'], 'exit8');
  ask(['Basic two', 'Basic two'], 'exit8');
  ask(['Basic two'], 'exit8');
  ask(['Basic two']);
  t.deepEqual(looked, [
    'Basic one ',
    'Basic two ',
    'Basic two exit7',
    'Basic two exit8',
    'http Basic two+Basic two exit8',
    'Basic two exit8',
    'Basic two ',
  ]);
});

test('so is everybody once the clients have changed', (t) => {
  const { ask, looked, change } = scene();
  ask(['Basic one']);
  change();
  ask(['Basic one']);
  ask(['Basic one']);
  t.deepEqual(looked, ['Basic one ', 'Basic one ']);
});
