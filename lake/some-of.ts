/** `a, b and 3 more`: the first `most` names, and how many others there are. */
export function someOf(names: readonly string[], most = 10): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
