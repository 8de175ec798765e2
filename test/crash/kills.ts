import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, type Snapshot, type Step, type Struck, openLab } from './lab.ts';
import type { Point } from './points.ts';

/** What is written, in words, and the points at which a process is struck: all three unless `when` says less. */
export interface Written extends Omit<Point, 'when'> {
  readonly what: string;
  readonly when?: readonly Point['when'][];
}

/** A step of a story, once it was told. */
export type Given = () => { readonly lab: Lab; readonly step: Step };

/** Something that is found in each of some lakes, and what it is, in the order of the points. */
export interface Fact {
  readonly of: (lab: Lab, bucket: string) => Promise<unknown>;
  readonly is: readonly unknown[];
}

/** One lake, what befalls it, and what became of it. */
interface Case {
  readonly name: string;
  readonly given: Given;
  readonly point?: Point;
  readonly ends: string;
  bucket: string;
  /** As another attempt left it. */
  done: Snapshot;
}

const MOMENTS = ['before', 'during', 'after'] as const;
/** A process takes seconds to start, and each activity in it may hold a database. */
const PER_PROCESS = 32;
const WITHIN_MS = 300_000;

// All of a file's, which is a process of its own.
const toKill: Case[] = [];
const toHold: Case[] = [];

/**
 * A lab with a lake's whole story, for the tests of one file, and all that befalls its lakes. Gives its steps by their
 * names.
 */
export function useStory<Name extends string>(
  tell: (lab: Lab) => Promise<Readonly<Record<Name, Step>>>,
): (name: Name) => Given {
  let told: { readonly lab: Lab; readonly steps: Readonly<Record<Name, Step>> } | undefined;
  let opened: Lab | undefined;
  beforeAll(async () => {
    const lab = await openLab();
    opened = lab;
    told = { lab, steps: await tell(lab) };
    for (const cases of batches(toKill)) await lab.kill(await strike(lab, cases));
    for (const cases of batches(toHold)) await holdAll(lab, cases);
  }, WITHIN_MS);
  afterAll(() => opened?.close());
  return (name) => () => {
    if (!told) throw new Error('its story was not told');
    return { lab: told.lab, step: told.steps[name] };
  };
}

/**
 * An activity killed at any of these points, or at its end, and run again, leaves the lake of an undisturbed run.
 * `more`: what else is true then.
 */
export function survivesKills(
  activity: string,
  given: Given,
  written: readonly Written[],
  more: Readonly<Record<string, Fact>> = {},
): void {
  const cases = casesOf(given, written);
  cases.push(newCase(given, 'when all was done and nobody knew'));
  toKill.push(...cases);
  describe(`${activity}, run again after it was killed`, () => {
    test.for(cases.map((one) => [one.name, one] as const))('%s, leaves the same lake', async ([, one]) => {
      const { lab, step } = given();
      await lab.run(one.bucket, step.activity, step.input);
      expect(await lab.look(await lab.snapshotOf(one.bucket))).toEqual({ truth: step.truth, findings: [] });
    });
    test.for(Object.entries(more))('%s', async ([, { of, is }]) => {
      const { lab } = given();
      const found = [];
      for (const { bucket } of cases) found.push(await of(lab, bucket));
      expect(found).toEqual(is);
    });
  });
}

/**
 * An activity that is held at any of these points while another does it all, and then goes on, changes no object.
 * `ends`: how it does. `more`: what else is true then.
 */
export function survivesZombies(
  activity: string,
  given: Given,
  written: readonly Written[],
  {
    ends = 'done',
    more = {},
  }: { readonly ends?: string; readonly more?: Readonly<Record<string, Fact>> } = {},
): void {
  const cases = casesOf(given, written, ends);
  toHold.push(...cases);
  describe(`${activity}, held while another attempt does it all, and let go`, () => {
    test.for(cases.map((one) => [one.name, one] as const))('%s, leaves the same lake', async ([, one]) => {
      const { lab, step } = given();
      const left = await lab.snapshotOf(one.bucket);
      expect(await lab.look(left)).toEqual({ truth: step.truth, findings: [] });
      expect(changed(one.done, left)).toEqual([]);
    });
    test.for(Object.entries(more))('%s', async ([, { of, is }]) => {
      const { lab } = given();
      const found = [];
      for (const { bucket } of cases) found.push(await of(lab, bucket));
      expect(found).toEqual(is);
    });
  });
}

/** The points of a table, each with a sentence. */
function casesOf(given: Given, written: readonly Written[], ends = ''): Case[] {
  return written.flatMap(({ what, when = MOMENTS, ...point }) =>
    when.map((moment) =>
      newCase(given, `${moment} ${what} was written`, { point: { ...point, when: moment }, ends }),
    ),
  );
}

function newCase(
  given: Given,
  name: string,
  more: { readonly point?: Point; readonly ends: string } = { ends: '' },
): Case {
  return { name, given, bucket: '', done: new Map(), ...more };
}

async function strike(lab: Lab, cases: readonly Case[]): Promise<Struck[]> {
  const struck: Struck[] = [];
  for (const one of cases) {
    const { step } = one.given();
    one.bucket = await lab.lakeFrom(step.before);
    struck.push({ bucket: one.bucket, step, ...(one.point && { point: one.point }) });
  }
  return struck;
}

async function holdAll(lab: Lab, cases: readonly Case[]): Promise<void> {
  const victim = await lab.hold(await strike(lab, cases));
  for (const one of cases) {
    const { step } = one.given();
    await lab.run(one.bucket, step.activity, step.input);
    one.done = await lab.snapshotOf(one.bucket);
  }
  victim.letGo();
  const { by, said } = await victim.ended;
  const right = cases.map(({ given, ends }) => `${given().step.activity} ${ends}`);
  expect({ by, said: said.trim().split('\n').toSorted() }).toEqual({
    by: 0,
    said: ['held', ...right].toSorted(),
  });
}

function* batches(cases: readonly Case[]): Iterable<readonly Case[]> {
  for (let at = 0; at < cases.length; at += PER_PROCESS) yield cases.slice(at, at + PER_PROCESS);
}

/** Keys whose objects are other than they were; hints and projections may be. */
function changed(before: Snapshot, after: Snapshot): string[] {
  return [...before]
    .filter(([key, body]) => Buffer.compare(body, after.get(key) ?? new Uint8Array()) !== 0)
    .map(([key]) => key)
    .filter((key) => !/^(hint|projection)\//.test(key));
}
