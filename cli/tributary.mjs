#!/usr/bin/env node
// Plain JavaScript: Node 20 reads no TypeScript, so this registers what does before it goes on.
import { register } from 'tsx/esm/api';

// The oldest Node that we serve is on purpose: no command repeats the SDK's advice.
// oxlint-disable-next-line node/no-process-env
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
register();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
