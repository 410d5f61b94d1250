// OpenAI's client for Node: node openai_client.mjs BASE_URL, with the client's folder in NODE_PATH.
import { createRequire } from "node:module";

const { OpenAI } = createRequire(import.meta.url)("openai");

const model = "text-embedding-3-small";
const texts = ["Where are the ships?", "Boats sleep in the harbour at night."];
const ids = [
  [9241, 527, 279, 18198, 30],
  [1255, 1900, 6212, 304, 279, 75742, 520, 3814, 13],
];
const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "unused", maxRetries: 0 });

async function vectors(input, more = {}) {
  const reply = await client.embeddings.create({ model, input, ...more });
  return reply.data.map((item) => Array.from(item.embedding));
}

async function refusal(body) {
  try {
    await client.embeddings.create({ model, input: "a", ...body });
  } catch (error) {
    return [error.status, error.code, error.param];
  }
  return null;
}

console.log(
  JSON.stringify({
    text: await vectors(texts[0]),
    texts: await vectors(texts),
    floats: await vectors(texts, { encoding_format: "float" }),
    "lists of ids": await vectors(ids),
    short: await vectors(texts[0], { dimensions: 64 }),
    models: (await client.models.list()).data.map((found) => found.id),
    refusals: [await refusal({ model: "gpt-5" }), await refusal({ input: "" })],
  }),
);
