import type { Server, Socket } from 'node:net';

/** Holds `server`, whose connections are short, to the newest `most` of them: each above closes the oldest. Were it the new one that is
 *  refused, whoever opens so many and says nothing would keep everybody away. */
export function keepNewest(server: Server, most: number): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    const [oldest] = open;
    if (open.size >= most && oldest !== undefined) {
      open.delete(oldest);
      oldest.destroy();
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}
