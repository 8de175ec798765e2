/** One AWS JSON 1.1 service behind the shell: chosen by the part of X-Amz-Target before the dot. */
export interface JsonService {
  /** For example `Kinesis_20131202`. */
  readonly target: string;
  /** Answers every operation, unknown ones too; a rejection is the shell's InternalFailure. */
  handle(operation: string, body: Buffer): Promise<JsonReply>;
  /** Resolves when everything acknowledged is on disk and nothing is left running. */
  close(): Promise<void>;
}

export interface JsonReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** The stack's own time: faults may make it jump. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}
