import path from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLine, formatSequence } from '../../stack/kinesis/record-line.ts';
import { ShardLog } from '../../stack/kinesis/shard-log.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';

/** One append: how long after the one before, and how large. Some are larger than what is read at a time. */
const appended = fc.record({
  afterMs: fc.nat(3),
  sizes: fc.array(fc.oneof(fc.nat(40), fc.constantFrom(50_000, 90_000)), { minLength: 1, maxLength: 6 }),
});

test('pages of any size, over segments of any size, give back every record once and in order', async () => {
  await withLogs(
    fc.asyncProperty(
      logs(),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(1, 500, 1_000_000),
      async (made, most, bytes) => {
        const { log, records } = await made();
        const read: string[] = [];
        for (let at = log.start; at < log.end;) {
          const page = log.read(at, most, bytes);
          expect(page.records).toBeGreaterThan(0);
          expect(page.records).toBeLessThanOrEqual(most);
          read.push(...page.lines.toString().trimEnd().split('\n'));
          expect(page.arrivedAt).toBe(records[read.length - 1]?.arrivedAt);
          at = page.next;
        }
        expect(read).toEqual(records.map(({ line }) => line.trimEnd()));
      },
    ),
  );
});

test('a search by time finds what a walk over all records finds', async () => {
  await withLogs(
    fc.asyncProperty(logs(), fc.nat(40), async (made, time) => {
      const { log, records } = await made();
      const first = records.find(({ arrivedAt }) => arrivedAt >= 1_000 + time);
      expect(log.firstArrivedSince(1_000 + time)).toBe(first?.position ?? log.end);
    }),
  );
});

test('any place leads to the record that begins there or next', async () => {
  await withLogs(
    fc.asyncProperty(logs(), fc.double({ min: 0, max: 1, noNaN: true }), async (made, share) => {
      const { log, records } = await made();
      const place = Math.floor(share * log.end);
      const next = records.find(({ position }) => position >= place);
      expect(log.recordAtOrAfter(place)).toBe(next?.position ?? log.end);
    }),
  );
});

test('what is dropped is gone, what stays keeps its place, over a restart', async () => {
  await withLogs(
    fc.asyncProperty(logs(), fc.nat(30), async (made, nth) => {
      const { log, records, reopen } = await made();
      const from = records[nth]?.position ?? log.end;
      const { end } = log;
      log.dropBefore(from);
      const again = reopen();
      expect(again.end).toBe(end);
      expect(again.start).toBeLessThanOrEqual(from);
      expect(again.arrivalAt(from)).toBe(records[nth]?.arrivedAt);
      expect(again.lastRecord()).toBe(from === end ? end : records.at(-1)?.position);
    }),
  );
});

interface Written {
  readonly position: number;
  readonly arrivedAt: number;
  readonly line: string;
}

interface MadeLog {
  readonly log: ShardLog;
  readonly records: readonly Written[];
  readonly reopen: () => ShardLog;
}

let parent = '';
let folders = 0;
const open: ShardLog[] = [];

/** Logs as recipes, so that only those that a property asks for touch the disk. */
function logs(): fc.Arbitrary<() => Promise<MadeLog>> {
  return fc
    .tuple(fc.array(appended, { minLength: 1, maxLength: 5 }), fc.constantFrom(1, 400, 1_000_000))
    .map(([appends, segmentBytes]) => async () => {
      folders += 1;
      const dir = path.join(parent, String(folders));
      const log = new ShardLog(dir);
      open.push(log);
      const records: Written[] = [];
      let arrivedAt = 1_000;
      for (const { afterMs, sizes } of appends) {
        arrivedAt += afterMs;
        let position = log.end;
        const written = sizes.map((size) => {
          const line = formatLine({
            sequenceNumber: formatSequence(0, position + 1, 0),
            arrivedAt,
            partitionKeyJson: '"k"',
            data: 'a'.repeat(size),
            isEncrypted: false,
          });
          const record = { position, arrivedAt, line };
          position += line.length;
          return record;
        });
        log.append(Buffer.from(written.map(({ line }) => line).join('')), segmentBytes);
        records.push(...written);
      }
      const reopen = () => {
        log.close();
        const again = new ShardLog(dir);
        open.push(again);
        return again;
      };
      return { log, records, reopen };
    });
}

async function withLogs<Args>(property: fc.IAsyncPropertyWithHooks<Args>): Promise<void> {
  parent = await makeTmpFolder();
  try {
    await fc.assert(
      property.afterEach(() => {
        for (const log of open.splice(0)) log.close();
      }),
      { numRuns: 60 },
    );
  } finally {
    await removeTmpFolder(parent);
  }
}
