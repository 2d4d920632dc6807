import { addressText, credentialText, hostAndPort, type LineForm, readAddress } from './line-form.ts';

/** An address alone: 192.0.2.1:8080, [2001:db8::1]:8080. */
export const hostPort: LineForm = {
  name: 'host-port',
  shape: 'host:port',
  claims: 'nothing',
  read: (entry, { scheme }) => (hostAndPort.test(entry) ? readAddress(scheme, entry, null) : null),
  write: (exit) => (credentialText(exit) === null ? addressText(exit) : null),
};
