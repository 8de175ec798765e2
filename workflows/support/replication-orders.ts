import { setHandler, uuid4 } from '@temporalio/workflow';
import type { ViewActivities } from '../../activities/views/activities.ts';
import type { StopRequest } from '../../lake/replicate.ts';
import { type Request, requestSignal } from './hand-over.ts';
import { nudgeSignal } from './messages.ts';
import type { Pause } from './pausable.ts';
import { repairable } from './repair-update.ts';
import { reloadable, stoppable } from './replication-updates.ts';

/** What schedules and people ask of a run that replicates a database. */
export interface Orders {
  /** Whoever serves one takes it out. */
  readonly requests: Request[];
  stopping(): StopRequest | undefined;
  /** Is there a newer spec? */
  isNudged(): boolean;
  /** The newest spec is being taken. */
  takeNudge(): void;
}

interface Ordered {
  readonly source: string;
  /** Those of the run before. */
  readonly requests: readonly Request[];
  readonly recordDecision: ViewActivities['recordDecision'];
  readonly pause: Pause;
  /** Every declared table. */
  readonly known: () => ReadonlySet<string>;
  /** Of the task; `undefined` before it was looked at. */
  readonly arn: () => string | undefined;
  /** DMS was asked to load these again. */
  readonly reloading: (tables: readonly string[]) => void;
  readonly changed: () => void;
}

/** Take orders: requests, nudges, reloads and repairs of tables, and the stop. Call it before the first await. */
export function ordered(options: Ordered): Orders {
  const { source, recordDecision, pause, known, arn, reloading, changed } = options;
  const requests: Request[] = [...options.requests];
  let stopping: StopRequest | undefined;
  let isNudged = false;
  const refusedByStop = () => stopping && `the run is being stopped: ${stopping.reason}`;
  const refusal = () => (pause.reason() !== null ? `the run is paused: ${pause.reason()}` : refusedByStop());
  setHandler(
    requestSignal,
    (request) => {
      const id = request?.id ?? uuid4();
      const at = request?.at ?? new Date().toISOString();
      if (!requests.some((one) => one.id === id)) requests.push({ ...request, id, at });
    },
    { description: 'Load anew, or take the changes, once more: {}; one that is continuous does so anyway.' },
  );
  setHandler(
    nudgeSignal,
    () => {
      isNudged = true;
    },
    { description: 'Take the newest spec now: sent when one is applied, and safe by hand.' },
  );
  reloadable({
    recordDecision,
    known,
    arn,
    refusal,
    done: (names) => {
      reloading(names);
      changed();
    },
  });
  repairable({ source, recordDecision, known, refusal });
  stoppable({
    recordDecision,
    source,
    refusal: refusedByStop,
    asked: (request) => {
      stopping = request;
      changed();
    },
  });
  return {
    requests,
    stopping: () => stopping,
    isNudged: () => isNudged,
    takeNudge() {
      isNudged = false;
    },
  };
}
