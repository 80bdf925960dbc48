/**
 * The console device's constants and configuration space [virtio-v1.2 §5.3].
 *
 *     configuration space, bytes: 0 cols (16 bits)   2 rows (16 bits)   4 max_nr_ports   8 emerg_wr
 */

/** Feature bit number. */
export const VIRTIO_CONSOLE_F_SIZE = 0;

/** Queues, without MULTIPORT. */
export const CONSOLE_RECEIVE_QUEUE = 0;
export const CONSOLE_TRANSMIT_QUEUE = 1;

const CONFIG_SIZE = 12;

/** What the guest is told of the terminal. */
export interface ConsoleSize {
  readonly cols: number;
  readonly rows: number;
}

export function consoleConfig(size: ConsoleSize | null): Uint8Array {
  const config = new Uint8Array(CONFIG_SIZE);
  const view = new DataView(config.buffer);
  view.setUint16(0, size?.cols ?? 0, true);
  view.setUint16(2, size?.rows ?? 0, true);
  view.setUint32(4, 1, true);
  return config;
}
