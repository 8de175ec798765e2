#!/usr/bin/env node
// Plain JavaScript: Node 20 reads no TypeScript, so this registers what does before it goes on.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
