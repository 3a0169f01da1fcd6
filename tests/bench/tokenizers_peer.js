// SPDX-License-Identifier: GPL-3.0-or-later
// Hugging Face's Rust tokenizers, asked by lines: tokenizers_peer.js TEXT_FILE NAME=tokenizer.json ...
// "NAME sentences" or "NAME whole" is answered by milliseconds of user CPU time, tokens, and a sum over the ids.
'use strict';
process.env.TOKENIZERS_PARALLELISM = 'false';
const fs = require('fs');
const {Tokenizer} = require(require.resolve('@anush008/tokenizers', {paths: [process.cwd(), __dirname]}));

const [textFile, ...named] = process.argv.slice(2);
const whole = fs.readFileSync(textFile, 'utf8');
const sentences = whole.split('\n').filter((line) => line.length > 0);
const tokenizers = {};
for (const entry of named) {
  const at = entry.indexOf('=');
  tokenizers[entry.slice(0, at)] = Tokenizer.fromFile(entry.slice(at + 1));
}

async function answer(question) {
  const [name, how] = question.split(' ');
  const begin = process.cpuUsage();
  const encodings = how === 'whole' ? [await tokenizers[name].encode(whole)]
                                    : await tokenizers[name].encodeBatch(sentences);
  const used = process.cpuUsage(begin);
  let tokens = 0;
  let sum = 0;
  for (const encoding of encodings)
    for (const id of encoding.getIds()) sum = (sum * 31 + id + ++tokens) % 1000003;
  if (global.gc) global.gc(); // what was thrown away is not collected within the next measurement
  return used.user / 1000 + ' ' + tokens + ' ' + sum;
}

(async () => {
  console.log('ready');
  for await (const line of require('readline').createInterface({input: process.stdin})) console.log(await answer(line));
})();
