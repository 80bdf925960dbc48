/** Bytes for people: place, 16 bytes, and what they are as text. */

const ROW = 16;

/** Rows of `length` bytes from `start` on, named by `start` + `base`. */
export function hexDump(bytes: Uint8Array, start: number, length: number, base = 0): string[] {
  const rows: string[] = [];
  for (let at = start; at < start + length; at += ROW) {
    const row = Array.from(bytes.slice(at, Math.min(at + ROW, start + length)));
    const place = (at + base).toString(16).padStart(8, '0');
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    rows.push(`${place}  ${hex.padEnd(3 * ROW - 1)}  ${text}`);
  }
  return rows;
}
