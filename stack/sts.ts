import { randomUUID } from 'node:crypto';
import { type Reply, Refusal } from './exchange.ts';
import { branch, leaf, xmlDocument } from './xml.ts';

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** Answers one query-protocol request to STS. Only GetCallerIdentity is served. */
export function answerSts(
  action: string,
  caller: { readonly account: string; readonly user: string },
): Reply {
  if (action !== 'GetCallerIdentity') {
    throw new Refusal(
      501,
      'NotImplemented',
      `sts:${action} is not implemented; this stand-in has GetCallerIdentity.`,
    );
  }
  const body = xmlDocument(
    'GetCallerIdentityResponse',
    NAMESPACE,
    branch(
      'GetCallerIdentityResult',
      leaf('Arn', `arn:aws:iam::${caller.account}:user/${caller.user}`),
      leaf('UserId', `AIDA${caller.user.toUpperCase()}`),
      leaf('Account', caller.account),
    ),
    branch('ResponseMetadata', leaf('RequestId', randomUUID())),
  );
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

export function stsError(refusal: Refusal): Reply {
  const fault = refusal.status < 500 ? 'Sender' : 'Receiver';
  const body = xmlDocument(
    'ErrorResponse',
    NAMESPACE,
    branch('Error', leaf('Type', fault), leaf('Code', refusal.code), leaf('Message', refusal.message)),
    leaf('RequestId', randomUUID()),
  );
  return { status: refusal.status, headers: { ...refusal.headers, 'content-type': 'text/xml' }, body };
}
