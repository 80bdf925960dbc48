/** A number of transfers in parts that are as alike as whole numbers can be. */

/** The number of transfers after which a part, of 1 to `parts`, of `count` ends. */
export const partEnd = (count: number, part: number, parts: number): number => Math.floor((count * part) / parts);
