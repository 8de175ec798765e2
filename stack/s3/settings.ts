/** What a user of the stand-in may set while it runs. Not kept: a restart has the initial ones. */
export interface S3Settings {
  /** How long every restore takes; undefined: as long as its tier does on AWS. */
  restoreMs: number | undefined;
}

/** Reads `{"restoreMs": 500}`; `null` is AWS's own time again. Throws on anything else, naming it. */
export function parseS3Settings(text: string): S3Settings {
  const given: unknown = JSON.parse(text);
  if (typeof given !== 'object' || given === null || Object.keys(given).join() !== 'restoreMs') {
    throw new Error('the body must be {"restoreMs": <milliseconds, or null for the time of the tier>}');
  }
  const [restoreMs]: unknown[] = Object.values(given);
  if (restoreMs === null) return { restoreMs: undefined };
  if (typeof restoreMs === 'number' && Number.isSafeInteger(restoreMs) && restoreMs >= 0)
    return { restoreMs };
  throw new Error(`restoreMs is ${JSON.stringify(restoreMs)}; it must be a whole number, or null`);
}
