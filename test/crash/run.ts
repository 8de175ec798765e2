import { setMaxListeners } from 'node:events';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type Activities, type ActivityName, type InputOf, type ResultOf } from './wire.ts';

// As a worker does.
setMaxListeners(200);

/** Run one activity as an attempt that the server schedules now. */
export function runActivity<Name extends ActivityName>(
  activities: Activities,
  name: Name,
  input: InputOf<Name>,
): Promise<ResultOf<Name>> {
  const environment = new MockActivityEnvironment(
    { currentAttemptScheduledTimestampMs: Date.now() },
    { logger: new DefaultLogger('ERROR') },
  );
  // Each name has its own input and result; what they are is lost where the name is a variable.
  const activity = activities[name] as (given: InputOf<Name>) => Promise<ResultOf<Name>>;
  return environment.run(activity, input);
}
