// SPDX-License-Identifier: GPL-3.0-or-later
// llama.cpp's side of vs_llama: node llama_peer.js THREADS FILE.gguf ...
// Asked by lines "FILE_NUMBER prefill TOKENS" and "FILE_NUMBER decode PROMPT STEPS"; answers by a line with
// milliseconds and, for decode, the ids that greedy decoding gave.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");

const tokenAt = (i, vocabulary) => ((i * 7919 + 13) % (vocabulary - 10)) + 5;

(async () => {
  const { getLlama } = await import("node-llama-cpp");
  const threads = Number(process.argv[2]);
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
  const sides = [];
  for (const file of process.argv.slice(3)) {
    const model = await llama.loadModel({ modelPath: file, useMmap: true });
    const context = await model.createContext({
      contextSize: 1024,
      batchSize: 512,
      threads: { ideal: threads, min: threads },
      flashAttention: true,
    });
    sides.push({ sequence: context.getSequence(), vocabulary: model.fileInfo.metadata.tokenizer.ggml.tokens.length });
  }
  const manifest = "node_modules/node-llama-cpp/package.json"; // which the package does not export
  const version = JSON.parse(fs.readFileSync(manifest)).version;
  console.log(`ready ${version} ${llama.systemInfo.replaceAll("\n", " ")}`);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [number, what, first, second] = line.split(" ");
    const { sequence, vocabulary } = sides[Number(number)];
    const prompt = Array.from({ length: Number(first) }, (_, i) => tokenAt(i, vocabulary));
    await sequence.clearHistory();
    if (what === "prefill") {
      const start = performance.now();
      await sequence.evaluateWithoutGeneratingNewTokens(prompt);
      console.log(`${performance.now() - start}`);
    } else {
      await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, -1));
      const tokens = [];
      const start = performance.now();
      for await (const token of sequence.evaluate(prompt.slice(-1), { temperature: 0, yieldEogToken: true })) {
        tokens.push(token);
        if (tokens.length === Number(second)) break;
      }
      console.log(`${performance.now() - start} ${tokens.join(" ")}`);
    }
  }
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
