import { Refusal, header } from '../exchange.ts';
import { type Handler, bucketOf, emptyReply } from './call.ts';
import { readDocument } from './document-body.ts';
import { DOCUMENT_KINDS, type DocumentKind, type DocumentName } from './document-kinds.ts';

export function getDocument(name: DocumentName): Handler {
  const kind: DocumentKind = DOCUMENT_KINDS[name];
  return (call, context) => {
    const bucket = bucketOf(call, context);
    const stored = bucket.documents.get(name);
    if (!stored && 'code' in kind.absent) throw new Refusal(404, kind.absent.code, kind.absent.message);
    const text = stored?.text ?? ('text' in kind.absent ? kind.absent.text : '');
    const headers = { 'content-type': kind.contentType ?? 'application/xml', ...stored?.headers };
    return { status: 200, headers, body: Buffer.from(text) };
  };
}

export function putDocument(name: DocumentName): Handler {
  const kind: DocumentKind = DOCUMENT_KINDS[name];
  return async (call, context) => {
    const text = kind.parse(await readDocument(call, kind.checksum));
    const bucket = bucketOf(call, context);
    const headers = kind.header && {
      [kind.header.name]: header(call.headers, kind.header.name) ?? kind.header.initially,
    };
    const document = { text, ...(headers && { headers }) };
    context.store.commit([{ type: 'document', bucket: bucket.name, kind: name, document }]);
    return emptyReply(kind.putStatus, headers);
  };
}

/** What is not there is deleted all the same. */
export function deleteDocument(name: DocumentName): Handler {
  return (call, context) => {
    const bucket = bucketOf(call, context);
    context.store.commit([{ type: 'document', bucket: bucket.name, kind: name }]);
    return emptyReply(204);
  };
}
