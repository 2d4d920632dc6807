import { listSchemeOf } from '../../protocol/list-format.ts';
import { hasSpace, type LineForm, readAddress } from './line-form.ts';
import { faulty, nothing, skipped } from './listed-exit.ts';

/** Lines of a whole proxychains.conf that are no exits. */
const furniture =
  /^(?:\[proxylist\]|(?:strict|dynamic|random|round_robin)_chain|(?:quiet_mode|proxy_dns|proxy_dns_old)|(?:chain_len\s*=|proxy_dns_daemon|remote_dns_subnet|tcp_read_time_out|tcp_connect_time_out|localnet|dnat)\b.*)$/i;

/** `socks5 192.0.2.1 1080 user pass`; an IPv6 address stands without brackets. */
export const proxychains: LineForm = {
  name: 'proxychains',
  shape: 'type host port [user pass]',
  claims: 'shape',
  read: (entry) => {
    // Most lines of other forms, without a look at what they are.
    if (entry.includes(':') && !hasSpace(entry)) return null;
    if (furniture.test(entry)) return nothing;
    const [type = '', host, port = '', username, password, ...more] = entry.split(/\s+/, 6);
    if (host === undefined || !/^[0-9]+$/.test(port)) return null;
    const scheme = listSchemeOf(type);
    if (scheme === null) return type.toLowerCase() === 'raw' ? skipped('raw') : null;
    if (more.length > 0) return faulty('more than type, host, port, user and password stand here');
    if (username !== undefined && password === undefined) return faulty('a user name stands without its password');
    const address = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    return readAddress(scheme, address, username === undefined ? null : { username, password: password ?? '' });
  },
  write: ({ endpoint: { scheme, host, port, username, password = '' } }) => {
    // It dials no others.
    if (scheme !== 'http' && scheme !== 'socks4' && scheme !== 'socks5') return null;
    return [scheme, host, port, ...(username === undefined ? [] : [username, password])].join(' ');
  },
};
