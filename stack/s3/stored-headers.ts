import type { IncomingHttpHeaders } from 'node:http';
import { Refusal, header } from '../exchange.ts';

const KEPT = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
];
const HOT_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
];
/** The bytes of these are read after a restore alone. */
export const COLD_CLASSES: readonly string[] = ['GLACIER', 'DEEP_ARCHIVE'];
const LARGEST_METADATA_BYTES = 2048;

/** The headers of a request that the object keeps and gives back. */
export function storedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  let metadataBytes = 0;
  for (const name of Object.keys(headers)) {
    const value = header(headers, name) ?? '';
    if (KEPT.includes(name)) kept[name] = value;
    if (name.startsWith('x-amz-meta-')) {
      kept[name] = value;
      metadataBytes += name.length - 'x-amz-meta-'.length + value.length;
    }
  }
  if (metadataBytes > LARGEST_METADATA_BYTES) {
    throw new Refusal(
      400,
      'MetadataTooLarge',
      `Your metadata headers exceed ${LARGEST_METADATA_BYTES} bytes: ${metadataBytes}.`,
    );
  }
  const encoding = (kept['content-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked');
  delete kept['content-encoding'];
  if (encoding.length > 0) kept['content-encoding'] = encoding.join(',');
  kept['content-type'] ??= 'binary/octet-stream';
  return { ...kept, ...storageClass(headers) };
}

/** What of the stored headers the reply to a write repeats. */
export function encryptionHeaders(stored: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(stored).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  );
}

/** The class of an object; STANDARD ones do not carry the header. */
export function storageClassOf(stored: Readonly<Record<string, string>>): string {
  return stored['x-amz-storage-class'] ?? 'STANDARD';
}

export function storageClass(headers: IncomingHttpHeaders): Record<string, string> {
  const named = header(headers, 'x-amz-storage-class');
  if (named === undefined || named === 'STANDARD') return {};
  if (HOT_CLASSES.includes(named) || COLD_CLASSES.includes(named)) return { 'x-amz-storage-class': named };
  throw new Refusal(400, 'InvalidStorageClass', `The storage class you specified is not valid: ${named}`);
}
