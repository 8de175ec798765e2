import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal, header } from '../exchange.ts';
import { CRC32, CRC32C, CRC64NVME, type CrcShape, combineCrcs } from './combine.ts';
import { type Running, runningCrc32, runningCrc32c, runningCrc64Nvme } from './crc.ts';

export type Algorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256' | 'SHA512' | 'MD5';
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

/** What is stored of an object: base64, with "-N" behind a COMPOSITE one. */
export interface Checksum {
  readonly algorithm: Algorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

interface Method {
  readonly sizeBytes: number;
  readonly start: () => Running;
  /** Only a CRC of the whole can be computed from those of the parts. */
  readonly shape?: CrcShape;
}

const hashed = (name: string, sizeBytes: number): Method => ({ sizeBytes, start: () => createHash(name) });

const METHODS: Readonly<Record<Algorithm, Method>> = {
  CRC32: { sizeBytes: 4, start: runningCrc32, shape: CRC32 },
  CRC32C: { sizeBytes: 4, start: runningCrc32c, shape: CRC32C },
  CRC64NVME: { sizeBytes: 8, start: runningCrc64Nvme, shape: CRC64NVME },
  SHA1: hashed('sha1', 20),
  SHA256: hashed('sha256', 32),
  SHA512: hashed('sha512', 64),
  MD5: hashed('md5', 16),
};

/** What S3 computes when a client asks for nothing. */
export const DEFAULT_ALGORITHM: Algorithm = 'CRC64NVME';

export function startChecksum(algorithm: Algorithm): Running {
  return METHODS[algorithm].start();
}

/** The header that carries a checksum of that algorithm. */
export function headerOf(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

export function parseAlgorithm(text: string): Algorithm {
  const name = text.toUpperCase();
  if (isAlgorithm(name)) return name;
  if (name.startsWith('XXHASH'))
    throw new Refusal(501, 'NotImplemented', `Checksums by ${name} are not implemented.`);
  throw new Refusal(400, 'InvalidRequest', `Checksum algorithm provided is unsupported: "${text}".`);
}

/** The algorithm that a request asks for by its type, by a checksum header or by a trailer that it announces. */
export function requestedAlgorithm(headers: IncomingHttpHeaders): Algorithm | undefined {
  const trailers = (header(headers, 'x-amz-trailer') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const given = [...Object.keys(headers), ...trailers].filter(isChecksumHeader);
  if (given.length > 1) {
    throw new Refusal(
      400,
      'InvalidRequest',
      `Expecting a single x-amz-checksum- header, found ${given.join(', ')}.`,
    );
  }
  const named =
    header(headers, 'x-amz-sdk-checksum-algorithm') ?? header(headers, 'x-amz-checksum-algorithm');
  const [carried] = given.map((name) => parseAlgorithm(name.slice('x-amz-checksum-'.length)));
  if (named !== undefined && carried !== undefined && parseAlgorithm(named) !== carried) {
    throw new Refusal(400, 'InvalidRequest', `${named} was announced, ${carried} was sent.`);
  }
  return carried ?? (named === undefined ? undefined : parseAlgorithm(named));
}

/** The value that a request states, from its headers or trailers. Refuses one that cannot be a checksum. */
export function statedValue(
  algorithm: Algorithm,
  headers: IncomingHttpHeaders,
  trailers: ReadonlyMap<string, string>,
): string | undefined {
  const name = headerOf(algorithm);
  const value = header(headers, name) ?? trailers.get(name);
  if (value !== undefined && !isValue(algorithm, value)) {
    throw new Refusal(400, 'InvalidRequest', `Value for ${name} header is invalid: "${value}".`);
  }
  return value;
}

export function badChecksum(algorithm: Algorithm, stated: string, found: string): Refusal {
  return new Refusal(
    400,
    'BadDigest',
    `The ${algorithm} you specified did not match the calculated checksum: ${stated} was stated, ${found} was found.`,
  );
}

export function defaultType(algorithm: Algorithm): ChecksumType {
  return algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
}

/** Refuses the pairs that S3 does not have: no full-object hash of parts, no composite CRC64NVME. */
export function parseType(algorithm: Algorithm, type: string): ChecksumType {
  if (type === 'FULL_OBJECT' && METHODS[algorithm].shape !== undefined) return type;
  if (type === 'COMPOSITE' && algorithm !== 'CRC64NVME') return type;
  throw new Refusal(
    400,
    'InvalidRequest',
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** The checksum of an object from those of its parts, in their order. */
export function combineChecksums(
  algorithm: Algorithm,
  type: ChecksumType,
  parts: readonly { readonly value: string; readonly sizeBytes: number }[],
): string {
  const { shape, sizeBytes, start } = METHODS[algorithm];
  if (type === 'COMPOSITE' || shape === undefined) {
    const running = start();
    for (const part of parts) running.update(Buffer.from(part.value, 'base64'));
    return `${running.digest().toString('base64')}-${parts.length}`;
  }
  const pieces = parts.map((part) => ({
    crc: BigInt(`0x${Buffer.from(part.value, 'base64').toString('hex')}`),
    sizeBytes: part.sizeBytes,
  }));
  const whole = combineCrcs(shape, pieces).toString(16);
  return Buffer.from(whole.padStart(sizeBytes * 2, '0'), 'hex').toString('base64');
}

/** The headers that tell of a stored checksum. */
export function checksumHeaders(checksum: Checksum): Record<string, string> {
  return { [headerOf(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(METHODS, name);
}

function isChecksumHeader(name: string): boolean {
  return name.startsWith('x-amz-checksum-') && !/-(algorithm|type|mode)$/.test(name);
}

function isValue(algorithm: Algorithm, value: string): boolean {
  const bytes = Buffer.from(value.replace(/-\d+$/, ''), 'base64');
  return bytes.length === METHODS[algorithm].sizeBytes;
}
