/**
 * Build step: every Wasm text file of src and bench, and the engines, which are written in AssemblyScript
 * (`*.as.ts`), each beside the compiled file that loads it. An engine is compiled again only when a source of it has
 * changed: what it was made of is noted beside it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const SOURCES = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = fileURLToPath(new URL('..', import.meta.url));
/** The folders that have any. */
const FOLDERS = ['src', 'bench'];

/** What they import is compiled into them. */
const ENGINES = [
  'src/guest/split-virtqueue',
  'src/host/split-host-queue',
  'bench/loops/wasm/guest',
  'bench/loops/wasm/host',
];

/** No runtime and no static data: all of the imported memory belongs to the rings in it. */
const ASC_OPTIONS =
  '-O3 --noAssert --runtime stub --enable threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536';

/** Functions up to this size are compiled into their callers: the engine that runs them does not do that. */
const INLINE_SIZE_MAX = 400;
const INLINE_PASSES = ['inlining-optimizing', 'precompute-propagate', 'simplify-locals', 'coalesce-locals', 'vacuum'];

/** From the root. */
const filesIn = (root: string) =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  );

async function assembleTexts(): Promise<void> {
  const { parseWat } = await wabt();
  for (const file of filesIn(SOURCES)) {
    if (!file.endsWith('.wat')) continue;
    const parsed = parseWat(file, readFileSync(join(SOURCES, file), 'utf8'), { threads: true });
    const { buffer } = parsed.toBinary({});
    parsed.destroy();
    writeFileSync(join(BUILT, file.replace(/\.wat$/, '.wasm')), buffer);
  }
}

/** Changes with every file that an engine may be made of, and with what makes it. */
function digestOfSources(): string {
  const digest = createHash('sha256')
    .update(ASC_OPTIONS)
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(readFileSync(new URL('../../package-lock.json', import.meta.url)));
  for (const file of filesIn(SOURCES).toSorted())
    if (/\.as\.ts$|ring.(constants|engine-words|error-numbers)\.ts$|loop-words\.ts$/.test(file))
      digest.update(readFileSync(join(SOURCES, file)));
  return digest.digest('hex');
}

async function compileEngine(engine: string): Promise<void> {
  const { default: asc } = await import('assemblyscript/asc');
  const { default: binaryen } = await import('assemblyscript/binaryen');
  const source = join(SOURCES, `${engine}.as.ts`);
  const target = join(BUILT, `${engine}.wasm`);
  const { error, stderr } = await asc.main([source, '-o', target, ...ASC_OPTIONS.split(' ')]);
  if (error !== null) throw new Error(`${source}: ${error.message}\n${stderr.toString()}`);
  const module = binaryen.readBinary(readFileSync(target));
  module.setFeatures(binaryen.Features.All);
  binaryen.setOptimizeLevel(3);
  binaryen.setAlwaysInlineMaxSize(INLINE_SIZE_MAX);
  module.runPasses(INLINE_PASSES);
  writeFileSync(target, module.emitBinary());
  module.dispose();
}

await assembleTexts();
const made = digestOfSources();
for (const engine of ENGINES) {
  const stamp = join(BUILT, `${engine}.made`);
  const isThere = existsSync(stamp) && existsSync(join(BUILT, `${engine}.wasm`));
  if (isThere && readFileSync(stamp, 'utf8') === made) continue;
  await compileEngine(engine);
  writeFileSync(stamp, made);
}
