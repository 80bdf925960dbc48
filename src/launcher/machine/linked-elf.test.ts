/** ELF images as the GNU linker makes them, loaded, and compared with what its own tools say of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ImageFile } from './image-file.ts';
import { loadGuest } from './load.ts';
import { memoryWithCanaries } from './test-images.ts';

const TOOLS = ['as', 'ld', 'objcopy', 'readelf', 'nm'];
const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const has386 = missing.length === 0 && /elf_i386/.test(spawnSync('ld', ['-V'], { encoding: 'utf8' }).stdout);
const skip =
  missing.length > 0 ? `binutils are not here: ${missing.join(' ')}` : has386 ? false : 'ld links nothing for the 386';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-linked-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string) => join(folder, name);

function run(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', cwd: folder });
  assert.equal(status, 0, `${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const SOURCE = `
  .text
  .globl _start
  .globl physical_start
  .set physical_start, _start - VIRTUAL
_start:
  mov $message, %eax
  hlt
  .rept 3000
  .long . - _start
  .endr
  .data
message:
  .asciz "a kernel of a test"
  .rept 500
  .byte 0x5a
  .endr
  .bss
  .skip 9000
  .section .note.test, "a", @note
  .long 0, 0, 1
`;

const script = (virtual: number) => `
ENTRY(physical_start)
PHDRS { text PT_LOAD; data PT_LOAD; note PT_NOTE; }
SECTIONS {
  . = ${virtual} + 0x120000;
  .text : AT(ADDR(.text) - ${virtual}) { *(.text) } :text
  . = ALIGN(4096);
  .data : AT(ADDR(.data) - ${virtual}) { *(.data) } :data
  .bss : AT(ADDR(.bss) - ${virtual}) { *(.bss) } :data
  .note.test : AT(ADDR(.note.test) - ${virtual}) { *(.note.test) } :data :note
  /DISCARD/ : { *(.note.gnu.property) }
}
`;

for (const [what, virtual] of [
  ['at its physical addresses', 0],
  ['at 0xc0000000, as Linux is', 0xc0000000],
] as const)
  test(`linked ELF: a kernel ${what} is loaded as objcopy and readelf see it`, { skip }, () => {
    writeFileSync(inFolder('kernel.s'), SOURCE);
    writeFileSync(inFolder('kernel.ld'), script(virtual));
    run('as', '--32', '--defsym', `VIRTUAL=${virtual}`, '-o', 'kernel.o', 'kernel.s');
    run('ld', '-m', 'elf_i386', '--build-id=none', '-T', 'kernel.ld', '-o', 'vmlinux', 'kernel.o');

    // Program headers: type, offset, virtual and physical address, bytes in the file and in memory.
    const rows = [...run('readelf', '-lW', 'vmlinux').matchAll(/^ +LOAD +(.*)$/gm)].map((row) =>
      row[1]!.split(/ +/).slice(0, 5).map(Number),
    );
    assert.equal(rows.length, 2);
    // From the lowest physical address on, gaps filled with zeroes.
    run('objcopy', '-O', 'binary', 'vmlinux', 'flat');
    const flat = readFileSync(inFolder('flat'));
    const entry = Number.parseInt(/^(\S+) \w physical_start$/m.exec(run('nm', 'vmlinux'))![1]!, 16);

    const { memory, untouched } = memoryWithCanaries(2);
    const image = new ImageFile(inFolder('vmlinux'));
    const lines: string[] = [];
    try {
      const loaded = loadGuest(memory, { kernel: image, initrd: null, args: [], verbose: (line) => lines.push(line) });
      assert.equal(loaded.kernel?.kind, 'elf');
      assert.equal(loaded.kernel.entry, entry);
      assert.deepEqual(
        loaded.kernel.segments.map((s) => [s.fileOffset, s.address, s.fileBytes, s.memoryBytes]),
        rows.map(([offset, , physical, fileBytes, memoryBytes]) => [offset, physical, fileBytes, memoryBytes]),
      );
    } finally {
      image.close();
    }
    assert.equal(entry, 0x120000);
    const all = Buffer.from(memory.bytes(0x120000, flat.length));
    assert.ok(all.equals(flat), 'memory is not what objcopy made');
    assert.ok(flat.length > 3000 * 4 + 500 && all.includes('a kernel of a test'));
    const end = memory.bytes(0x120000 + flat.length, 0x60000);
    assert.ok(end.every((byte) => byte === 0));
    assert.ok(untouched());
    assert.match(lines[0]!, /^Section 0: size \d+ addr 0x120000$/);
  });

test('linked ELF: a relocatable object and a shared object are refused', { skip }, () => {
  writeFileSync(inFolder('object.s'), '.globl _start\n_start: hlt\n');
  run('as', '--32', '-o', 'object.o', 'object.s');
  run('ld', '-m', 'elf_i386', '-shared', '-o', 'object.so', 'object.o');
  for (const [file, type] of [
    ['object.o', 1],
    ['object.so', 3],
  ] as const) {
    const image = new ImageFile(inFolder(file));
    try {
      const { memory } = memoryWithCanaries(1);
      assert.throws(() => loadGuest(memory, { kernel: image, initrd: null, args: [], verbose: () => undefined }), {
        code: 'malformed-elf',
        value: type,
      });
    } finally {
      image.close();
    }
  }
});
