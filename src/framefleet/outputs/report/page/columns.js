// Unpacks the data of columns.py: deflated columns of zigzag differences, in byte planes, followed by JSON.

async function readColumns(base64, lengths) {
  const packed = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const columns = {};
  let at = 0;
  for (const [name, length] of Object.entries(lengths)) {
    columns[name] = readColumn(bytes, at, length);
    at += 4 * length;
  }
  return { columns, rest: JSON.parse(new TextDecoder().decode(bytes.subarray(at))) };
}

function readColumn(bytes, at, length) {
  const values = new Int32Array(length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    const low = bytes[at + i] | (bytes[at + length + i] << 8);
    const zigzag = low | (bytes[at + 2 * length + i] << 16) | (bytes[at + 3 * length + i] << 24);
    last += (zigzag >>> 1) ^ -(zigzag & 1);
    values[i] = last;
  }
  return values;
}

// Milliseconds as seconds.
const secondsOf = (column) => Float64Array.from(column ?? [], (value) => value / 1000);
