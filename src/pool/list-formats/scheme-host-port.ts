import { listSchemeOf } from '../../protocol/list-format.ts';
import { addressText, credentialOf, credentialText, isBareNumber, type LineForm, readAddress } from './line-form.ts';

const pattern = /^(https?|socks4a?|socks5h?):((?:\[[^\]]*\]|[^:@/[\]]+):[0-9]+)(?::([^:]*:.*))?$/is;

/** A protocol, then as `host:port:user:pass`. */
export const schemeHostPort: LineForm = {
  name: 'scheme-host-port',
  shape: 'scheme:host:port[:user:pass]',
  claims: 'shape',
  read: (entry) => {
    const [, scheme = '', address, credential] = pattern.exec(entry) ?? [];
    if (address === undefined || isBareNumber(address)) return null;
    return readAddress(
      listSchemeOf(scheme) ?? 'http',
      address,
      credential === undefined ? null : credentialOf(credential),
    );
  },
  write: (exit) => {
    const credential = credentialText(exit);
    return [exit.endpoint.scheme, addressText(exit), ...(credential === null ? [] : [credential])].join(':');
  },
};
