/** Build step: assembles every Wasm text file of src beside the compiled file that loads it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
const BUILT = fileURLToPath(new URL('../src', import.meta.url));

const { parseWat } = await wabt();
for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.wat')) continue;
  const parsed = parseWat(file, readFileSync(join(SOURCES, file), 'utf8'), { threads: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  writeFileSync(join(BUILT, file.replace(/\.wat$/, '.wasm')), buffer);
}
