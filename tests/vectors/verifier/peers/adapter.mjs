// The runner's protocol for verifiers on Node: a line of JSON in, a line out; an exception refuses.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export function version(name) {
  let at = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    try {
      const text = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
      if (text.name === name && text.version) return text.version;
    } catch { /* further up */ }
    at = dirname(at);
  }
}

export async function serve(hello, verify) {
  console.log(JSON.stringify(hello));
  for await (const line of createInterface({ input: process.stdin })) {
    let verdict = 'accept';
    try {
      await verify(JSON.parse(line));
    } catch {
      verdict = 'refuse';
    }
    process.stdout.write(`${JSON.stringify({ verdict })}\n`);
  }
}
