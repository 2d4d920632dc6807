import { GatewayError } from '../errors.ts';
import { faultError, type Introduction } from '../gateway/admission.ts';
import { parseBasic, type ReceivedCredential } from '../protocol/credentials.ts';
import type { Fields } from '../protocol/fields.ts';
import type { ListenerContext } from './context.ts';

/** What an HTTP request shows of its client, who connects from `source`. */
export function introductionOf(context: ListenerContext, source: string, fields: Fields): Introduction {
  const { name, boundClient, dialects } = context;
  const values = fields.all('proxy-authorization');
  return {
    evidence: evidenceOf(values),
    credential: () => readCredential(values),
    source,
    listener: name,
    boundClient,
    dialects,
    exitField: dialects.includes('scrapoxy') ? fields.get('x-scrapoxy-proxyname') : undefined,
  };
}

/** One value can hold no line break, so nothing else is taken for it. */
function evidenceOf(values: readonly string[]): string | null {
  const [value = null] = values;
  return values.length > 1 ? `http ${values.join('\n')}` : value;
}

/** The credential of one request. Two of them are as good as none. Throws auth_required or auth_failed. */
function readCredential([value = '', ...more]: readonly string[]): ReceivedCredential {
  if (more.length > 0) throw new GatewayError('auth_failed', { detail: 'more than one Proxy-Authorization' });
  const credential = parseBasic(value);
  if (!credential.ok) throw faultError(credential.fault);
  return credential.value;
}
