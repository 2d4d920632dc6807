/** Octets of a vector with its length before it. */
const vector = (size: 1 | 2, content: Buffer): Buffer => {
  const head = Buffer.alloc(size);
  head.writeUIntBE(content.length, 0, size);
  return Buffer.concat([head, content]);
};

const extension = (type: number, content: Buffer): Buffer => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return Buffer.concat([head, vector(2, content)]);
};

/** A server_name extension (RFC 6066 §3). */
export const serverNameExtension = (name: string): Buffer =>
  extension(0, vector(2, Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name, 'latin1'))])));

/** A ClientHello message (RFC 8446 §4.1.2) with these extensions, or without any. */
export function helloMessage(extensions: readonly Buffer[] | null): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 9)),
    vector(2, Buffer.from([0x13, 1, 0x13, 2])),
    vector(1, Buffer.from([0])),
    ...(extensions === null ? [] : [vector(2, Buffer.concat([...extensions]))]),
  ]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  head[0] = 1;
  return Buffer.concat([head, body]);
}

/** The message as TLS records of at most `size` octets each. */
export function asRecords(message: Buffer, size = 2 ** 14): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    records.push(Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + size)));
  }
  return Buffer.concat(records);
}

/** A whole ClientHello for `name`, with other extensions around it. */
export const helloFor = (name: string): Buffer =>
  asRecords(
    helloMessage([
      extension(0x2a2a, Buffer.alloc(0)),
      serverNameExtension(name),
      extension(43, Buffer.from([2, 3, 4])),
    ]),
  );
