import { Refusal } from '../exchange.ts';
import { type XmlElement, branch, childText, leaf, xmlDocument } from '../xml.ts';
import { NAMESPACE, malformed } from './call.ts';
import type { DocumentBody } from './document-body.ts';
import { MOST_BUCKET_TAGS, tagsOfDocument } from './tags.ts';

/** One kind of document that a bucket keeps: stored and given back, and never acted upon. */
export interface DocumentKind {
  /** What a document must be; gives the text to store. Throws a Refusal. */
  readonly parse: (body: DocumentBody) => string;
  readonly contentType?: string;
  /** The status of a put. */
  readonly putStatus: 200 | 204;
  /** How a GET answers while there is none: with an error, or with what holds by default. */
  readonly absent: { readonly code: string; readonly message: string } | { readonly text: string };
  readonly checksum?: 'optional';
  /** A header that is stored with the document, and what it is when it was not sent. */
  readonly header?: { readonly name: string; readonly initially: string };
}

const none = (code: string, what: string) => ({ code, message: `The ${what} does not exist.` });

export const DOCUMENT_KINDS = {
  tagging: {
    parse: ({ text, root }) => {
      tagsOfDocument(root, MOST_BUCKET_TAGS);
      return text;
    },
    putStatus: 204,
    absent: none('NoSuchTagSet', 'TagSet'),
  },
  lifecycle: {
    parse: checked('LifecycleConfiguration', (root) => {
      const rules = childrenOf(root, 'Rule');
      const ids = rules.flatMap((rule) => childText(rule, 'ID') ?? []);
      return (
        isCount(rules, 1_000) &&
        new Set(ids).size === ids.length &&
        rules.every((rule) => ['Enabled', 'Disabled'].includes(childText(rule, 'Status') ?? ''))
      );
    }),
    putStatus: 200,
    absent: none('NoSuchLifecycleConfiguration', 'lifecycle configuration'),
    header: {
      name: 'x-amz-transition-default-minimum-object-size',
      initially: 'all_storage_classes_128K',
    },
  },
  encryption: {
    parse: checked('ServerSideEncryptionConfiguration', (root) => {
      const rules = childrenOf(root, 'Rule').flatMap((rule) =>
        childrenOf(rule, 'ApplyServerSideEncryptionByDefault'),
      );
      const algorithms = rules.map((rule) => childText(rule, 'SSEAlgorithm') ?? '');
      return (
        algorithms.length === 1 && algorithms.every((one) => /^(AES256|aws:kms|aws:kms:dsse)$/.test(one))
      );
    }),
    putStatus: 200,
    absent: {
      text: document(
        'ServerSideEncryptionConfiguration',
        branch(
          'Rule',
          branch('ApplyServerSideEncryptionByDefault', leaf('SSEAlgorithm', 'AES256')),
          leaf('BucketKeyEnabled', false),
        ),
      ),
    },
  },
  policy: {
    parse: ({ text }) => parsePolicy(text),
    contentType: 'application/json',
    putStatus: 204,
    absent: none('NoSuchBucketPolicy', 'bucket policy'),
  },
  cors: {
    parse: checked('CORSConfiguration', (root) => {
      const rules = childrenOf(root, 'CORSRule');
      const isWhole = (rule: XmlElement): boolean =>
        ['AllowedMethod', 'AllowedOrigin'].every((name) => childrenOf(rule, name).length > 0);
      return isCount(rules, 100) && rules.every(isWhole);
    }),
    putStatus: 200,
    absent: none('NoSuchCORSConfiguration', 'CORS configuration'),
  },
  notification: {
    parse: checked('NotificationConfiguration', () => true),
    putStatus: 200,
    absent: { text: document('NotificationConfiguration') },
    checksum: 'optional',
  },
  publicAccessBlock: {
    parse: ({ root }) => {
      if (root?.name !== 'PublicAccessBlockConfiguration') throw malformed();
      return publicAccessBlock((name) => childText(root, name) === 'true');
    },
    putStatus: 200,
    absent: none('NoSuchPublicAccessBlockConfiguration', 'public access block configuration'),
  },
} as const satisfies Readonly<Record<string, DocumentKind>>;

export type DocumentName = keyof typeof DOCUMENT_KINDS;

/** What a new bucket has: everything public is blocked. */
export const NEW_BUCKET_BLOCK = publicAccessBlock(() => true);

function publicAccessBlock(isOn: (name: string) => boolean): string {
  const names = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'];
  return document('PublicAccessBlockConfiguration', ...names.map((name) => leaf(name, isOn(name))));
}

function document(name: string, ...inner: readonly string[]): string {
  return xmlDocument(name, NAMESPACE, ...inner).toString('utf8');
}

function checked(name: string, isGood: (root: XmlElement) => boolean): DocumentKind['parse'] {
  return ({ text, root }) => {
    if (root?.name !== name || !isGood(root)) throw malformed();
    return text;
  };
}

function parsePolicy(text: string): string {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'MalformedPolicy', 'Policies must be valid JSON and the first byte must be "{".');
  }
  if (typeof policy !== 'object' || policy === null || !('Statement' in policy)) {
    throw new Refusal(400, 'MalformedPolicy', 'Missing required field Statement.');
  }
  return text;
}

function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

function isCount(list: readonly unknown[], most: number): boolean {
  return list.length > 0 && list.length <= most;
}
