import { defineSignal } from '@temporalio/workflow';

/** Something changed in the lake: look at once. */
export const nudgeSignal = defineSignal('nudge');
