// Drives RunPod's own JavaScript client: a JSON line with an operation in, one with what came of it out.
//
// node javascript_client.mjs FOLDER    the package's; RUNPOD_API_KEY and RUNPOD_ENDPOINT_BASE_URL say whom to ask
import { createInterface } from "readline";
import { pathToFileURL } from "url";

const reply = (told) => process.stdout.write(JSON.stringify(told) + "\n");
console.log = console.error; // which the package prints with
const client = (await import(pathToFileURL(process.argv[2] + "/dist/src/index.js"))).default;
const runpod = client(process.env.RUNPOD_API_KEY, { baseUrl: process.env.RUNPOD_ENDPOINT_BASE_URL });

const operations = {
  health: (endpoint) => endpoint.health(),
  run: async (endpoint, input) => (await endpoint.run({ input })).id,
  run_sync: async (endpoint, input) => (await endpoint.runSync({ input }, 30000)).output,
  state: async (endpoint, id) => (await endpoint.status(id)).status,
  output: async (endpoint, id) => (await endpoint.statusSync(id, 30000)).output,
  stream: async (endpoint, id) => {
    const parts = [];
    for await (const part of endpoint.stream(id)) parts.push(part.output);
    return parts;
  },
  cancel: (endpoint, id) => endpoint.cancel(id),
  purge: (endpoint) => endpoint.purgeQueue(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [id, operation, ...args] = JSON.parse(line);
  try {
    reply({ gave: (await operations[operation](runpod.endpoint(id), ...args)) ?? null });
  } catch (error) {
    reply({ raised: `${error.name}: ${error.message}` });
  }
}
