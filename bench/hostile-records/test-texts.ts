/** Every class of character that a text of a record may hold. For tests. */

/** What no line may begin with, and no document hold as a line of its own. */
export const FORGED = 'FORGED';

export const TEXTS: Readonly<Record<string, string>> = {
  'a colour, a cursor, a bell': '\u001b[31m\u001b[2J\u0007\b\u009b1A',
  'NUL and DEL': 'a\0b\u007f',
  'line ends': `a\n${FORGED}\r\n${FORGED}\r${FORGED}\u0085${FORGED}\u2028${FORGED}\u2029${FORGED}`,
  tabs: 'a\tb\u000bc\fd',
  'turned directions': 'a\u202eb\u2066c\u200fd\u061ce\u202a',
  'no width': '\u200ba\u200db\ufeffc\u2060d\u00ade\u3164f\u180e',
  'halves of characters': 'a\ud800b\udfff',
  'a tag': '</script><script>alert(1)</script><!-- <b>&lt;',
  markup: '| a | `b` **c** [d](e) ![f](g) ~~h~~ # i @octocat https://a.b www.c.d $$x$$ ```',
  'a formula': '=HYPERLINK("http://a.b")',
  'a formula behind spaces': '  +1+1',
  'a formula of another sign': "-2+3+cmd|' /C calc'!A0",
  'a formula at a sign': '@SUM(A1)',
  'a formula behind a tab': '\t=1+1',
  'a formula of wide signs': '＝1+1',
  'a mark of text': "'=1+1",
  'formats and patterns': `%s%n%1000000$d $\{x} $& $1 \\u0041 \\ {{x}} {0}`,
  'quotes, commas, semicolons': 'a"b",\'c\';d\\"',
  'names that objects have': '__proto__',
  'nothing but spaces': '   ',
  nothing: '',
  'very long': '🙂'.repeat(20_000),
};
