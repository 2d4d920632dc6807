import { join } from 'node:path';
import { exitLogin, login } from './peer.ts';
import type { Scene } from './scene.ts';

interface At {
  readonly folder: string;
  readonly port: number;
}

/** Squid as a proxy without a cache in one process: its helper checks the credential once, and it remembers for two hours. */
export function squidFiles({ exitPorts }: Scene, { folder, port }: At): Record<string, string> {
  const { username, password } = exitLogin;
  const parents = exitPorts.map(
    (exit, i) =>
      `cache_peer 127.0.0.1 parent ${exit} 0 no-query no-digest round-robin name=e${i} login=${username}:${password}`,
  );
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `auth_param basic program /bin/sh ${join(folder, 'check.sh')}`,
    'auth_param basic children 2',
    'auth_param basic credentialsttl 2 hours',
    'acl known proxy_auth REQUIRED',
    'http_access allow known',
    'http_access deny all',
    ...parents,
    'never_direct allow all',
    'cache deny all',
    `access_log stdio:${join(folder, 'access.log')}`,
    `cache_log ${join(folder, 'cache.log')}`,
    `coredump_dir ${folder}`,
    'pid_filename none',
    'netdb_filename none',
    'logfile_rotate 0',
    'pinger_enable off',
    'shutdown_lifetime 1 second',
    'visible_hostname bench.test',
  ];
  const check = `while read -r line; do [ "$line" = "${login.username} ${login.password}" ] && echo OK || echo ERR; done\n`;
  return { 'squid.conf': `${lines.join('\n')}\n`, 'check.sh': check };
}

/** tinyproxy knows one exit for all that it isn't told otherwise of. */
export function tinyproxyFiles({ exitPorts }: Scene, { folder, port }: At): Record<string, string> {
  const lines = [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Timeout 600',
    'MaxClients 20000',
    `BasicAuth ${login.username} ${login.password}`,
    `Upstream http ${exitLogin.username}:${exitLogin.password}@127.0.0.1:${exitPorts[0]}`,
    `LogFile "${join(folder, 'access.log')}"`,
    'LogLevel Connect',
  ];
  return { 'tinyproxy.conf': `${lines.join('\n')}\n` };
}

/** Dante could ask only the system's own users for a password, so it asks for none. */
export function danteFiles(_scene: Scene, { folder, port }: At): Record<string, string> {
  const everywhere = 'from: 127.0.0.0/8 to: 0.0.0.0/0';
  const users = process.getuid?.() === 0 ? ['user.privileged: root', 'user.unprivileged: nobody'] : [];
  const lines = [
    `logoutput: ${join(folder, 'access.log')}`,
    `internal: 127.0.0.1 port = ${port}`,
    'external: 127.0.0.1',
    'clientmethod: none',
    'socksmethod: none',
    ...users,
    `client pass { ${everywhere} }`,
    `socks pass { ${everywhere} log: connect }`,
  ];
  return { 'danted.conf': `${lines.join('\n')}\n` };
}
