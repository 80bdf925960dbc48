/**
 * The numbers by which a Wasm engine names the errors of `RING_ERRORS` that it finds: `ERROR_CODES` turns them back.
 * Integers alone, and no other import: the AssemblyScript sources read this file, too.
 */
export const AVAIL_HEAD_OUT_OF_RANGE = 0;
export const AVAIL_INDEX_JUMP = 1;
export const AVAIL_HEAD_IN_FLIGHT = 2;
export const TOO_MANY_IN_FLIGHT = 3;
export const USED_ID_OUT_OF_RANGE = 4;
export const USED_ID_NOT_OUTSTANDING = 5;
export const USED_INDEX_JUMP = 6;
export const NEXT_OUT_OF_RANGE = 7;
export const DESCRIPTOR_LOOP = 8;
export const CHAIN_TOO_LONG = 9;
export const INDIRECT_NESTED = 10;
export const INDIRECT_NOT_NEGOTIATED = 11;
export const INDIRECT_TABLE_SIZE = 12;
export const ADDRESS_OUTSIDE_MEMORY = 13;
export const REQUEST_TOO_LONG = 14;
export const READABLE_AFTER_WRITABLE = 15;
export const UNEXPECTED_READABLE = 16;
export const UNEXPECTED_WRITABLE = 17;
