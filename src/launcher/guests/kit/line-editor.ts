/**
 * Lines out of what is typed, as a terminal without modes of its own gives it: echo, backspace, ^U. Guest thread. What
 * is too long or no text is not taken.
 */

const LINE_MAX = 256;
const ESCAPE = '\x1b';
const ERASE = '\b \b';

export class LineEditor {
  private line = '';
  /** What was typed, and how much of it was looked at. */
  private typed = '';
  private at = 0;
  /** Inside a sequence of a key such as an arrow: swallowed up to its last letter. */
  private inSequence = false;
  private readonly print: (text: string) => void;

  /** `print` takes what the typist sees. */
  constructor(print: (text: string) => void) {
    this.print = print;
  }

  /** Takes typed text; `next` looks at it. */
  feed(text: string): void {
    this.typed = this.typed.slice(this.at) + text;
    this.at = 0;
  }

  /** The next line, or null: it is not finished. What is typed behind it is not echoed before this is called again. */
  next(): string | null {
    while (this.at < this.typed.length) {
      const character = this.typed[this.at++]!;
      if (this.inSequence) this.inSequence = !/[A-Za-z~]/.test(character);
      else if (character === '\r' || character === '\n') {
        const { line } = this;
        this.line = '';
        this.print('\n');
        return line;
      } else this.edit(character);
    }
    return null;
  }

  private edit(character: string): void {
    if (character === '\x7f' || character === '\b') this.erase(1);
    else if (character === '\x15') this.erase(this.line.length);
    else if (character === ESCAPE) this.inSequence = true;
    else if (character >= ' ' && this.line.length < LINE_MAX) {
      this.line += character;
      this.print(character);
    }
  }

  private erase(count: number): void {
    const erased = Math.min(count, this.line.length);
    this.line = this.line.slice(0, this.line.length - erased);
    if (erased > 0) this.print(ERASE.repeat(erased));
  }
}
