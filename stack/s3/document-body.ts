import { createHash } from 'node:crypto';
import { Refusal, header, readAll } from '../exchange.ts';
import { type XmlElement, parseXml } from '../xml.ts';
import { type Call, LARGEST_DOCUMENT_BYTES } from './call.ts';
import { badChecksum, requestedAlgorithm, startChecksum, statedValue } from './checksums.ts';

export interface DocumentBody {
  readonly text: string;
  /** Undefined when the text is no XML. */
  readonly root: XmlElement | undefined;
}

/**
 * A request's document. Refuses one that is not what its sender says it is, and, unless `optional`, one of which
 * nothing is said: S3 asks for Content-MD5 or a checksum where a damaged document would do harm.
 */
export async function readDocument(
  { body, headers, trailers }: Call,
  checksum: 'required' | 'optional' = 'required',
): Promise<DocumentBody> {
  const document = await readAll(body, LARGEST_DOCUMENT_BYTES);
  const md5 = header(headers, 'content-md5');
  const algorithm = requestedAlgorithm(headers);
  if (md5 === undefined && algorithm === undefined && checksum === 'required') {
    throw new Refusal(
      400,
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  }
  const found = createHash('md5').update(document).digest('base64');
  if (md5 !== undefined && md5 !== found) throw badChecksum('MD5', md5, found);
  if (algorithm !== undefined) {
    const stated = statedValue(algorithm, headers, trailers);
    const running = startChecksum(algorithm);
    running.update(document);
    const computed = running.digest().toString('base64');
    if (stated !== undefined && stated !== computed) throw badChecksum(algorithm, stated, computed);
  }
  const text = document.toString('utf8');
  return { text, root: parseXml(text.trim()) };
}
