import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, type Snapshot, type Step, type Struck, openLab } from './lab.ts';
import type { Point } from './points.ts';

/** What is written, in words, and the points at which a process is struck: all three unless `when` says less. */
export interface Written extends Omit<Point, 'when'> {
  readonly what: string;
  readonly when?: readonly Point['when'][];
}

const MOMENTS = ['before', 'during', 'after'] as const;

/** A lab with a lake's whole story, for the tests of one file. */
export function useStory<Steps>(tell: (lab: Lab) => Promise<Steps>): () => { lab: Lab; steps: Steps } {
  let told: { lab: Lab; steps: Steps } | undefined;
  let opened: Lab | undefined;
  beforeAll(async () => {
    opened = await openLab();
    told = { lab: opened, steps: await tell(opened) };
  });
  afterAll(() => opened?.close());
  return () => {
    if (!told) throw new Error('its story was not told');
    return told;
  };
}

/** The points of a table, each with a sentence. */
export function pointsOf(written: readonly Written[]): { readonly name: string; readonly point: Point }[] {
  return written.flatMap(({ what, when = MOMENTS, ...point }) =>
    when.map((moment) => ({ name: `${moment} ${what} was written`, point: { ...point, when: moment } })),
  );
}

/** An activity killed at any of these points, or at its end, and run again, leaves the lake of an undisturbed run. */
export function survivesKills(
  activity: string,
  given: () => { readonly lab: Lab; readonly step: Step },
  written: readonly Written[],
): void {
  const points: { readonly name: string; readonly point?: Point }[] = [
    ...pointsOf(written),
    { name: 'when all was done and nobody knew' },
  ];
  describe(`${activity}, run again after it was killed`, () => {
    let killed: readonly Struck[] = [];
    beforeAll(async () => {
      const { lab, step } = given();
      const struck: Struck[] = [];
      for (const { point } of points) {
        struck.push({ bucket: await lab.lakeFrom(step.before), step, ...(point && { point }) });
      }
      await lab.kill(struck);
      killed = struck;
    });
    test.for(points.map(({ name }, index) => [name, index] as const))(
      '%s, leaves the same lake',
      async ([, index]) => {
        const { lab, step } = given();
        const bucket = killed[index]?.bucket ?? '';
        await lab.run(bucket, step.activity, step.input);
        expect(await lab.look(bucket)).toEqual({ truth: step.truth, findings: [] });
      },
    );
  });
}

/** An activity that is held at any of these points while another does it all, and then goes on, changes no object. */
export function survivesZombies(
  activity: string,
  given: () => { readonly lab: Lab; readonly step: Step },
  written: readonly Written[],
): void {
  const points = pointsOf(written);
  describe(`${activity}, held while another attempt does it all, and let go`, () => {
    let zombies: readonly (Struck & { readonly done: Snapshot })[] = [];
    beforeAll(async () => {
      const { lab, step } = given();
      const struck: Struck[] = [];
      for (const { point } of points) {
        struck.push({ bucket: await lab.lakeFrom(step.before), step, point });
      }
      const victim = await lab.hold(struck);
      const done: Snapshot[] = [];
      for (const { bucket } of struck) {
        await lab.run(bucket, step.activity, step.input);
        done.push(await lab.snapshotOf(bucket));
      }
      victim.letGo();
      const { by, said } = await victim.ended;
      expect({ by, said }).toEqual({
        by: 0,
        said: `held\n${`${step.activity} done\n`.repeat(struck.length)}`,
      });
      zombies = struck.map((one, index) => ({ ...one, done: done[index] ?? new Map() }));
    });
    test.for(points.map(({ name }, index) => [name, index] as const))(
      '%s, leaves the same lake',
      async ([, index]) => {
        const { lab, step } = given();
        const { bucket = '', done = new Map() } = zombies[index] ?? {};
        expect(await lab.look(bucket)).toEqual({ truth: step.truth, findings: [] });
        expect(changed(done, await lab.snapshotOf(bucket))).toEqual([]);
      },
    );
  });
}

/** Keys whose objects are other than they were; hints and projections may be. */
function changed(before: Snapshot, after: Snapshot): string[] {
  return [...before]
    .filter(([key, body]) => Buffer.compare(body, after.get(key) ?? new Uint8Array()) !== 0)
    .map(([key]) => key)
    .filter((key) => !/^(hint|projection)\//.test(key));
}
