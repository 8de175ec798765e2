import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedObject, eachOf, fetchFile } from '../activities/objects/fetch.ts';
import { sha256Hex } from '../activities/objects/json.ts';
import type { ObjectStore, Watch } from '../activities/objects/port.ts';

const WIDTH = 8;

/**
 * Local paths of these objects, in their order. What is downloaded is verified and kept under a name that tells its
 * bytes, so asking again moves nothing.
 */
export async function cachedFiles(
  store: ObjectStore,
  folder: string,
  objects: readonly NamedObject[],
  watch: Watch,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths = objects.map(({ key, checksum }) =>
    join(folder, `${sha256Hex(`${key} ${checksum}`)}.parquet`),
  );
  await eachOf(objects, WIDTH, async (object, index) => {
    const path = paths[index] ?? '';
    if ((await sizeOf(path)) === object.bytes) return;
    // A name of its own until it is whole: other processes may want the same object.
    const part = `${path}.${randomUUID()}`;
    try {
      await fetchFile(store, object, part, watch);
      await rename(part, path);
    } finally {
      await rm(part, { force: true });
    }
  });
  return paths;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
