import { gunzipSync, inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

/**
 * The one file of a zip whose name ends in `suffix`, or undefined. No zip64: what is read here stays far below 4 GiB.
 *
 * @param {Buffer} zip
 * @param {string} suffix
 * @returns {Buffer | undefined}
 */
export function fileInZip(zip, suffix) {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || zip.readUInt32LE(end) !== END_OF_DIRECTORY)
    throw new Error('not a zip: it has no directory');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`broken zip: no entry at byte ${at}`);
    const nameBytes = zip.readUInt16LE(at + 28);
    if (zip.toString('utf8', at + 46, at + 46 + nameBytes).endsWith(suffix)) return contentOf(zip, at);
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return undefined;
}

/**
 * @param {Buffer} zip
 * @param {number} entry
 */
function contentOf(zip, entry) {
  const method = zip.readUInt16LE(entry + 10);
  const packedBytes = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  // The local header has a name and an extra field of its own lengths.
  const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(from, from + packedBytes);
  if (method === STORED) return packed;
  if (method === DEFLATED) return inflateRawSync(packed);
  throw new Error(`zip method ${method} is not known: stored (0) and deflated (8) are`);
}

const BLOCK = 512;

/**
 * The file called `name` (in whatever folder) of a gzipped tar, or undefined.
 *
 * @param {Buffer} archive
 * @param {string} name
 * @returns {Buffer | undefined}
 */
export function fileInTarGz(archive, name) {
  const tar = gunzipSync(archive);
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const sizeBytes = Number.parseInt(text(tar, at + 124, 12).trim() || '0', 8);
    const from = at + BLOCK;
    if (text(tar, at, 100).split('/').at(-1) === name) return tar.subarray(from, from + sizeBytes);
    at = from + Math.ceil(sizeBytes / BLOCK) * BLOCK;
  }
  return undefined;
}

/**
 * @param {Buffer} tar
 * @param {number} from
 * @param {number} most
 */
function text(tar, from, most) {
  const end = tar.indexOf(0, from);
  return tar.toString('utf8', from, end < 0 ? from + most : Math.min(end, from + most));
}
