/** Whether a program needs libraries: one that does names an interpreter. 64-bit little-endian ELF files. Pure. */

const PHOFF_AT = 0x20;
const PHENTSIZE_AT = 0x36;
const PHNUM_AT = 0x38;
const PT_INTERP = 3;

/** False for what is no ELF file. */
export function isDynamic(program: Uint8Array): boolean {
  const bytes = Buffer.from(program.buffer, program.byteOffset, program.byteLength);
  if (bytes.length < 0x40 || bytes.toString('latin1', 0, 4) !== '\x7fELF') return false;
  const [first, step, count] = [
    Number(bytes.readBigUInt64LE(PHOFF_AT)),
    bytes.readUInt16LE(PHENTSIZE_AT),
    bytes.readUInt16LE(PHNUM_AT),
  ];
  for (let i = 0; i < count; i++) {
    const offset = first + i * step;
    if (offset + 4 <= bytes.length && bytes.readUInt32LE(offset) === PT_INTERP) return true;
  }
  return false;
}
