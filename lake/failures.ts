/** What Temporal does with a failure, who hears of it, and what that person does next. */
export interface FailurePolicy {
  /**
   * `forever` for what passes by itself; `few` for what only a person can end, so that the workflow soon
   * parks where it is seen; `never` only where no later attempt with the same input could succeed.
   */
  readonly retry: 'forever' | 'few' | 'never';
  readonly tell: 'nobody' | 'operator' | 'developer';
  readonly means: string;
  readonly remedy: string;
}

/** Attempts of a `few` failure before the workflow parks. An operator's Reset gives as many again. */
const FEW_ATTEMPTS = 4;

/**
 * Every way the lake fails on purpose. A name is the `type` of a Temporal failure, so it is wire
 * format: add names, never rename one. docs/failures.md is generated from this table.
 */
export const FAILURES = {
  MalformedInput: {
    retry: 'never',
    tell: 'developer',
    means: "An input or a message does not follow the lake's grammar.",
    remedy: 'Correct what the message names and start the workflow again.',
  },
  UnknownSource: {
    retry: 'never',
    tell: 'operator',
    means: 'The applied spec has no source or dataset of this name, or one of another kind.',
    remedy: 'Correct the name, or add it to lake.yaml and run `tributary apply`; then start again.',
  },
  NoSpec: {
    retry: 'few',
    tell: 'operator',
    means: 'The lake has no applied spec yet.',
    remedy: 'Run `tributary apply`, then decide: retry.',
  },
  DatabaseUnknown: {
    retry: 'few',
    tell: 'operator',
    means: 'Nobody told the worker where the database of a source is, which a repair reads.',
    remedy: 'Set the variable TRIBUTARY_DATABASE_<SOURCE> for the workers, and ask again.',
  },
  Throttled: {
    retry: 'forever',
    tell: 'nobody',
    means: 'The service asked us to slow down.',
    remedy: 'Nothing: the next attempt waits longer.',
  },
  Unreachable: {
    retry: 'forever',
    tell: 'nobody',
    means: 'A service gave no answer, or failed on its own side.',
    remedy:
      'Nothing, unless it lasts: then look at the service the message names. `temporal activity reset` retries at once.',
  },
  AccessDenied: {
    retry: 'few',
    tell: 'operator',
    means:
      'The worker may not do this in the account it runs in, or its credentials or their key are not taken.',
    remedy: 'Grant what the message names, or mend the credentials of the workers, then decide: retry.',
  },
  BucketMissing: {
    retry: 'few',
    tell: 'operator',
    means: "The lake's bucket does not exist, or not in this account and region.",
    remedy: 'Create it (versioned) or correct the name, then decide: retry.',
  },
  StoreIgnoresConditions: {
    retry: 'never',
    tell: 'operator',
    means: 'The object store overwrites on a conditional create, so no commit on it would be safe.',
    remedy: 'Use a store that honours If-None-Match: *, then start the worker again.',
  },
  ChecksumMismatch: {
    retry: 'few',
    tell: 'operator',
    means: 'An object holds other bytes than its entry or its source says.',
    remedy:
      'Compare the two by hand; restore the object from its older version where it was changed; then decide: retry.',
  },
  ChainBroken: {
    retry: 'few',
    tell: 'operator',
    means: 'A numbered chain has a gap, a changed object, or an object that does not follow the one before.',
    remedy:
      'Restore the named object from its older version in the bucket, then decide: retry. Run `tributary verify`.',
  },
  ObjectMissing: {
    retry: 'few',
    tell: 'operator',
    means: 'An object that the ledger or a view names is not in the bucket.',
    remedy: 'Restore the named object from its older version in the bucket, then decide: retry.',
  },
  SourceMissing: {
    retry: 'few',
    tell: 'operator',
    means: 'The folder or stream that a source names is not there.',
    remedy:
      'Create it or correct lake.yaml and apply, then decide: retry; or abort: this attempt ends without it, what was collected stays, and the next start, by a schedule or by hand, looks again.',
  },
  SourceChanged: {
    retry: 'never',
    tell: 'nobody',
    means: 'A file changed while it was read.',
    remedy: 'Nothing: the next run takes it once it has been quiet.',
  },
  BadFile: {
    retry: 'never',
    tell: 'operator',
    means:
      'A file as a whole cannot be read: a broken quote, a truncated gzip, mixed line endings, a missing or unknown column.',
    remedy: 'Have it delivered again under its name and decide: retry; or decide: skip.',
  },
  FileRestated: {
    retry: 'never',
    tell: 'operator',
    means: 'A name that was collected comes with new content, and the dataset only appends.',
    remedy: 'Decide: skip (the old rows stay), or retract (the old rows go and the new ones come).',
  },
  PositionLost: {
    retry: 'never',
    tell: 'operator',
    means: 'The stream no longer holds the position to read on from: records were lost in between.',
    remedy: 'Decide: skip, to go on at the horizon with the gap on record; or abort.',
  },
  StreamDeleted: {
    retry: 'few',
    tell: 'operator',
    means: 'The stream was deleted, or deleted and made again under its name.',
    remedy:
      'Decide: abort; a stream made again under the name is another: declare it as a source of its own. Retry only where it was not deleted.',
  },
  GateHeld: {
    retry: 'never',
    tell: 'operator',
    means: 'A build did not pass its gate: the old version serves.',
    remedy: 'Read the report, then decide: approve, reject, or recompute.',
  },
  BatchMissing: {
    retry: 'never',
    tell: 'operator',
    means: 'A partition is past its deadline and its batch has not come.',
    remedy: 'Have the batch delivered; or decide: approve, to publish without it.',
  },
  ProofBroken: {
    retry: 'never',
    tell: 'developer',
    means: 'A build does not account for every row of its inputs.',
    remedy:
      'Run `tributary verify`, which names what is damaged; then decide: retry, or recompute where a partition is held.',
  },
  DmsTaskMissing: {
    retry: 'few',
    tell: 'operator',
    means: 'DMS has no replication task of this identifier or ARN in this account and region.',
    remedy: 'Create it, or start again with the right name; then decide: retry, or abort.',
  },
  DmsRefused: {
    retry: 'few',
    tell: 'operator',
    means:
      'DMS refuses a request for what a person can mend: a quota, an endpoint, an operation that the task does not allow.',
    remedy: 'Mend what the message names, then decide: retry.',
  },
  DmsTaskFailed: {
    retry: 'never',
    tell: 'operator',
    means: 'A DMS task failed, or stopped for an error that DMS calls fatal.',
    remedy:
      'Read the message and the log of the task in CloudWatch, mend the cause, then decide: retry (resume where it stopped), reload (load every table again), or abort.',
  },
  DmsTaskStopped: {
    retry: 'never',
    tell: 'operator',
    means:
      'A DMS task stands, and nothing says that its work is done: it was stopped by hand, by its settings, or again and again.',
    remedy:
      'Find out who stopped it, and why; then decide: retry (resume where it stopped), reload (load every table again), or abort.',
  },
  DmsOutOfCapacity: {
    retry: 'never',
    tell: 'operator',
    means: 'A DMS task stopped because its replication instance is short of memory or disk.',
    remedy:
      'Give the replication instance a larger class or more storage, then decide: retry, to resume; or abort.',
  },
  DmsNoTables: {
    retry: 'never',
    tell: 'operator',
    means: 'A DMS task captured no table, so whatever its status says, it brought nothing.',
    remedy:
      'Correct its table mappings or what its user may read, and set FailOnNoTablesCaptured; then decide: retry, reload, or abort.',
  },
  DmsTableError: {
    retry: 'never',
    tell: 'operator',
    means:
      'A table of a DMS task is in error, suspended, cancelled, not loaded or not captured: its changes do not arrive.',
    remedy:
      'Read the log of the task in CloudWatch and mend the cause, then decide: reload (load this table again), retry (look again; a task that stands is resumed), or skip (go on without it).',
  },
  ConnectionFailed: {
    retry: 'never',
    tell: 'operator',
    means: 'A replication instance cannot reach an endpoint of its task: the source database, or the target.',
    remedy:
      'Mend what the message of DMS names (address, password, security group, role of the target), then decide: retry.',
  },
  DmsSettings: {
    retry: 'never',
    tell: 'operator',
    means: 'Settings of a DMS task or of its target lose data or break order.',
    remedy:
      'Change them as the message has it, with the task stopped, then decide: retry; or approve, where you can do without what would be lost.',
  },
  DmsTaskUnfit: {
    retry: 'never',
    tell: 'operator',
    means: 'A DMS task is of a type that cannot do what `replicate` of its source asks.',
    remedy:
      'Give the task the type that the message names, or change `replicate` in lake.yaml and apply; then decide: retry, or abort.',
  },
  DmsTaskUnwatched: {
    retry: 'never',
    tell: 'operator',
    means:
      'A DMS task stands, and the run that brought it to run has ended: somebody stopped it, or gave it up.',
    remedy:
      'Find out who ended the run that the message names, and why; then decide: retry (the task is resumed), or abort (it is left as it is, and what landed is collected).',
  },
  LandingUnreadable: {
    retry: 'never',
    tell: 'operator',
    means: 'A file that DMS landed is broken. The table waits; the others go on.',
    remedy:
      'Look at the file that the message names, then decide: retry (read it again), skip (go on without its rows, on record), or reload (DMS loads the table again).',
  },
  ColumnsChanged: {
    retry: 'never',
    tell: 'operator',
    means:
      'A table no longer has a declared column, or has it in a type that the declared one cannot hold. The table waits; the others go on.',
    remedy:
      'Mend lake.yaml and apply, or the table, then decide: retry; or approve (a column that is gone is null from now on); or reload (DMS loads the table again).',
  },
  LandingsGone: {
    retry: 'never',
    tell: 'operator',
    means:
      'Landings that were collected are gone while their table goes on, and no load began: a TRUNCATE or DROP at the source, or somebody removed them. Raw keeps them.',
    remedy:
      'Find out whether the table was emptied, then decide: reload (DMS loads the table again, and rows that are gone go), or skip (what was collected stays).',
  },
  LoadIncomplete: {
    retry: 'never',
    tell: 'operator',
    means:
      'DMS calls the load of a table complete, and its landings do not have as many rows as DMS counted.',
    remedy:
      'Compare the counts in the message with the table, then decide: retry (look again), reload (DMS loads the table again), or approve (take the load as it is).',
  },
  TableNotCaptured: {
    retry: 'never',
    tell: 'operator',
    means: 'A declared table is not among those that the DMS task captures, or the task has given it up.',
    remedy:
      'Mend the table mappings of the task, or what its user may read, then decide: retry, reload (DMS loads the table again), or skip (leave the table alone).',
  },
  SpecRefused: {
    retry: 'never',
    tell: 'operator',
    means: 'The new spec cannot follow the applied one.',
    remedy: 'Correct what the message names and apply again.',
  },
  NotBuilt: {
    retry: 'never',
    tell: 'developer',
    means: 'Tributary does not do this yet; docs/status.md lists what is built.',
    remedy:
      'Leave it out of lake.yaml and apply, or out of the request. Where a run waits, decide: retry after that.',
  },
} as const satisfies Record<string, FailurePolicy>;

export type FailureName = keyof typeof FAILURES;

/** Does a failure of this kind, met at this attempt (1 or more), end the activity? */
export function isLastAttempt(retry: FailurePolicy['retry'], attempt: number): boolean {
  return retry === 'never' || (retry === 'few' && attempt >= FEW_ATTEMPTS);
}
