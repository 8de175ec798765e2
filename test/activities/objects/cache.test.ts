import { expect, test } from 'vitest';
import { ObjectCache } from '../../../activities/objects/cache.ts';

test('what was not used for longest leaves first, and no more than must', () => {
  const cache = new ObjectCache<string>(10);
  cache.keep('a', 'A', 4);
  cache.keep('b', 'B', 4);
  cache.get('a');
  cache.keep('c', 'C', 4);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
});

test('what is kept again counts once', () => {
  const cache = new ObjectCache<string>(10);
  cache.keep('a', 'A', 8);
  cache.keep('a', 'A', 8);
  cache.keep('b', 'B', 2);
  expect([cache.get('a'), cache.get('b')]).toEqual(['A', 'B']);
});

test('what is larger than the bound is not kept', () => {
  const cache = new ObjectCache<string>(10);
  cache.keep('a', 'A', 11);
  expect(cache.get('a')).toBeUndefined();
});
