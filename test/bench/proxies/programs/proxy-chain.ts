/** proxy-chain as a proxy: checks a credential, leaves by the exits in turn, writes a line per exchange.
 *
 *    proxy-chain.ts NAME SECRET LOG EXIT_PORT EXIT_PORT
 */
import { createWriteStream } from 'node:fs';
import { Server } from 'proxy-chain';

const [name, secret, log = '', ...exitPorts] = process.argv.slice(2);
const lines = createWriteStream(log);
let turn = 0;
const server = new Server({
  host: '127.0.0.1',
  port: 0,
  prepareRequestFunction: ({ username, password, hostname, port }) => {
    lines.write(`${new Date().toISOString()} ${username} ${hostname}:${port}\n`);
    if (username !== name || password !== secret) return { requestAuthentication: true };
    turn = (turn + 1) % exitPorts.length;
    return { upstreamProxyUrl: `http://exit:secret@127.0.0.1:${exitPorts[turn]}` };
  },
});
await server.listen();
process.stdin.resume().on('end', () => process.exit());
console.log(JSON.stringify({ port: server.port }));
