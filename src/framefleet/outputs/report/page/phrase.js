// The words of a text as in results/query/phrases.py: without case, accents or punctuation.

// Marks above and below a letter; marks that make another letter, as in Thai, stay.
const ACCENTS =
  /[\u0300-\u0333\u0339-\u036f\u0591-\u05af\u0610-\u061a\u0653-\u065f\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]/g;
// In scripts without spaces each letter is a word, since models cut them anywhere.
const UNSPACED = String.raw`[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]`;
const LETTER = String.raw`[\p{L}\p{N}\p{M}]`;
const TOKEN = new RegExp(`(?=${LETTER})${UNSPACED}|(?:(?!${UNSPACED})${LETTER})+`, "gu");

const folded = (text) =>
  text
    .toUpperCase() // ß as ss
    .toLowerCase()
    .replaceAll("ς", "σ")
    .normalize("NFKD")
    .replace(ACCENTS, "")
    .replace(/['’ʼ\u0060]/g, "")
    .normalize("NFC")
    .toLowerCase();

const tokens = (text) => folded(text).match(TOKEN) ?? [];

// The form in which words are compared: " dont go" is in " so dont go there", and so is " do", for typing.
const inRow = (words) => words.map((word) => ` ${word}`).join("");

// Pieces of text as if they were one: a word may continue in the next piece.
class Spoken {
  constructor(pieces) {
    const parts = pieces.map(folded);
    const begins = offsets(parts);
    const words = [...parts.join("").matchAll(TOKEN)];
    this.first = words.map((word) => lastUpTo(begins, word.index)); // the piece in which each word begins
    this.last = words.map((word) => lastUpTo(begins, word.index + word[0].length - 1));
    const row = words.map((word) => ` ${word[0]}`);
    this.begins = offsets(row);
    this.text = row.join("");
  }

  // The first and the last piece of each match of consecutive words.
  *find(words) {
    const wanted = inRow(words);
    for (let at = this.text.indexOf(wanted); at >= 0; at = this.text.indexOf(wanted, at + wanted.length)) {
      const end = at + wanted.length - 1;
      yield [this.first[lastUpTo(this.begins, at)], this.last[lastUpTo(this.begins, end)]];
    }
  }
}

// The offset of each text in the joined text.
function offsets(texts) {
  const begins = new Int32Array(texts.length);
  for (let i = 1; i < texts.length; i++) begins[i] = begins[i - 1] + texts[i - 1].length;
  return begins;
}
