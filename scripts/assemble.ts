/**
 * Build step: every Wasm text file of src, and every AssemblyScript source that exports an engine, beside the compiled
 * file that loads it. What a source of AssemblyScript was compiled from is kept beside it, so that it is compiled
 * again only after a change.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
const BUILT = fileURLToPath(new URL('../src', import.meta.url));

/** The engines; what they import is compiled into them. */
const ENGINES = ['guest/split-virtqueue', 'host/split-host-queue'];

/** No runtime, no static data: the shared memory belongs to the ring. Bounds of memory are the module's to check. */
const ASC_OPTIONS =
  '-O3 --noAssert --runtime stub --enable threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536';

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' });

const { parseWat } = await wabt();
for (const file of files) {
  if (!file.endsWith('.wat')) continue;
  const parsed = parseWat(file, readFileSync(join(SOURCES, file), 'utf8'), { threads: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  writeFileSync(join(BUILT, file.replace(/\.wat$/, '.wasm')), buffer);
}

/** Changes with every source that an engine may be made of. */
const digest = createHash('sha256').update(ASC_OPTIONS);
for (const file of files.toSorted())
  if (file.endsWith('.as.ts') || /^ring[\\/][\w-]+\.ts$/.test(file)) digest.update(readFileSync(join(SOURCES, file)));
const made = digest.digest('hex');

for (const engine of ENGINES) {
  const target = join(BUILT, `${engine}.wasm`);
  const stamp = `${target}.made`;
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) continue;
  const { default: asc } = await import('assemblyscript/asc');
  const source = join(SOURCES, `${engine}.as.ts`);
  const { error, stderr } = await asc.main([source, '-o', target, ...ASC_OPTIONS.split(' ')]);
  if (error !== null) throw new Error(`${source}: ${error.message}\n${stderr.toString()}`);
  writeFileSync(stamp, made);
}
