import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { GuestEnding } from './cpu.ts';
import { QemuProcess } from './qemu-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'qemu-process-'));
after(() => rmSync(folder, { recursive: true }));

/** Node plays QEMU. */
const run = (code: string, said: string[] = []) =>
  new QemuProcess(process.execPath, ['-e', code], (line) => said.push(line));
const shown = (ending: GuestEnding) => (ending.how === 'failed' ? ending.error.message : ending.how);

const endings: [string, string, string, string[]][] = [
  ['all well', '', 'halted', []],
  ['all well, with a warning', 'console.error("slow")', 'halted', ['slow']],
  ['a failure', 'console.error("no\\nkernel"); process.exit(1)', 'QEMU ended with code 1', ['no', 'kernel']],
  ['a silent failure', 'process.exit(3)', 'QEMU ended with code 3: it said nothing', []],
  ['a crash', 'process.kill(process.pid, "SIGKILL")', 'QEMU was ended by SIGKILL: it said nothing', []],
];
for (const [what, code, expected, lines] of endings)
  test(`QEMU's end: ${what}`, async () => {
    const said: string[] = [];
    const process = run(code, said);
    assert.equal(shown(await process.ended), expected);
    assert.deepEqual(said, lines);
    assert.equal(shown(await process.stop()), expected);
  });

test("QEMU's end: it does not start", async () => {
  const ending = await new QemuProcess(join(folder, 'absent'), [], () => {}).ended;
  assert.match(shown(ending), /ENOENT/);
});

test("QEMU's end: stopped, and killed where it does not heed that", async () => {
  const deaf = 'process.on("SIGTERM", () => {}); console.error("here"); setInterval(() => {}, 1000)';
  for (const code of ['console.error("here"); setInterval(() => {}, 1000)', deaf]) {
    let tell: () => void = () => {};
    const here = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const running = new QemuProcess(process.execPath, ['-e', code], tell);
    await here;
    assert.equal(shown(await running.stop()), 'stopped');
  }
});
