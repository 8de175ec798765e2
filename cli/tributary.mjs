#!/usr/bin/env node
// Plain JavaScript: Node 20 reads no TypeScript, so this registers what does before it goes on.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
