import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { decodeContent, PREFIX_BYTES, readableCodings } from '../../src/signals/page-text.ts';

const page = Buffer.from(`<html>${'challenge '.repeat(200)}</html>`);
const packers = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

for (const [coding, pack] of Object.entries(packers)) {
  test(`${coding} is read, whole and cut`, async (t) => {
    t.deepEqual(await decodeContent(pack(page), [coding]), page);
    const long = Buffer.from(randomBytes(30_000).toString('hex'));
    const packed = pack(long);
    const cut = await decodeContent(packed.subarray(0, packed.length / 2), [coding]);
    t.true(cut !== null && cut.length > 0 && long.subarray(0, cut.length).equals(cut));
  });

  test(`${coding} that is none has no text`, async (t) => {
    t.is(await decodeContent(Buffer.from('<html>no such coding'), [coding]), null);
  });

  test(`${coding} of more than a hundred times its size is not read on`, async (t) => {
    t.is(await decodeContent(pack(Buffer.alloc(50_000_000)).subarray(0, 300), [coding]), null);
  });
}

test('bare deflate is read as well', async (t) => {
  t.deepEqual(await decodeContent(deflateRawSync(page), ['deflate']), page);
});

test('codings one upon the other are read back to front', async (t) => {
  const packed = gzipSync(brotliCompressSync(deflateSync(page)));
  t.deepEqual(await decodeContent(packed, ['deflate', 'br', 'gzip']), page);
  t.is(await decodeContent(packed, ['gzip', 'br', 'deflate']), null);
});

test('no more than 64 KiB come out', async (t) => {
  const long = Buffer.from(randomBytes(100_000).toString('hex'));
  const text = await decodeContent(gzipSync(long), ['gzip']);
  t.true(text?.equals(long.subarray(0, PREFIX_BYTES)));
});

test('content without coding is its own text', async (t) => {
  t.is(await decodeContent(page, []), page);
});

test('only codings that we know, and at most three, are read', (t) => {
  t.deepEqual(readableCodings([]), []);
  t.deepEqual(readableCodings(['identity']), []);
  t.deepEqual(readableCodings(['x-gzip', 'br']), ['gzip', 'br']);
  t.is(readableCodings(['zstd']), null);
  t.is(readableCodings(['gzip', 'gzip', 'gzip', 'gzip']), null);
});
