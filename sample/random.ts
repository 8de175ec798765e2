/** Draws that depend on the seed and on the order of the calls, and on nothing else. */
export interface Random {
  /** A whole number from 0 to below `bound`, which is at most 2^32. */
  below(bound: number): number;
  /** One of the choices, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [choice: T, weight: number])[]): T;
  /** The same elements in another order. */
  shuffled<T>(elements: readonly T[]): T[];
}

/** A counter that steps by an odd constant, hashed: period 2^32, far more than any sample draws. */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is ${seed}: give a whole number`);
  let counter = Math.imul(seed | 0, 0x85ebca6b) ^ Math.floor(seed / 2 ** 32);

  function word(): number {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  // Rounding may reach `bound` itself, hence the least of the two.
  const below = (bound: number): number => Math.min(bound - 1, Math.floor((word() / 2 ** 32) * bound));

  function weighted<T>(choices: readonly (readonly [choice: T, weight: number])[]): T {
    let left = below(choices.reduce((total, [, weight]) => total + weight, 0));
    for (const [choice, weight] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    throw new RangeError('weighted draw among no choices: give at least one with a weight above 0');
  }

  function shuffled<T>(elements: readonly T[]): T[] {
    const rest = [...elements];
    const order: T[] = [];
    while (rest.length > 0) {
      const drawn = below(rest.length);
      const last = rest.length - 1;
      order.push(...rest.slice(drawn, drawn + 1));
      rest.splice(drawn, 1, ...rest.slice(last));
      rest.length = last;
    }
    return order;
  }

  return { below, weighted, shuffled };
}
