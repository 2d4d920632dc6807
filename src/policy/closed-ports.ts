/** Ports of services that a crawler never means, and that a few octets of HTTP or of a tunnel can do harm to: the bad ports of
 *  WHATWG Fetch §2.9, and behind them databases, queues, remote desktops, shells and cluster control. */
const servicePorts: ReadonlySet<number> = new Set([
  ...[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110,
  ],
  ...[
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  ],
  ...[540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061],
  ...[6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
  ...[138, 162, 445, 873, 902], // NetBIOS, SNMP traps, SMB, rsync, hypervisors
  ...[1433, 1434, 1521, 3050, 3306, 5432, 5433, 5984, 6379, 6380, 7474, 7687, 8529, 9042, 9160, 26257, 28015, 50000], // databases
  ...[27017, 27018, 27019, 9200, 9300, 11211], // document stores, search, caches
  ...[1883, 4369, 5671, 5672, 8883, 9092, 15672, 61613, 61616], // queues
  ...[2181, 2375, 2376, 2377, 2379, 2380, 6443, 8500, 10250, 10255], // cluster control
  ...[3389, 5900, 5901, 5902, 5903, 5985, 5986, 4444, 5555], // desktops, remote management, debug shells
]);

/** Whether a port is open without a rule. Forwarding speaks HTTP, so any port but a known service's; a tunnel speaks anything,
 *  so below 1,024 only 80 and 443. */
export function isPortOpen(port: number, method: 'connect' | 'forward'): boolean {
  if (servicePorts.has(port)) return false;
  return method === 'forward' || port >= 1024 || port === 443 || port === 80;
}
