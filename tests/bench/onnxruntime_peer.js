// SPDX-License-Identifier: GPL-3.0-or-later
// The peer of vs_onnxruntime: makes one set of random BERT-base weights twice - as a Hugging Face folder for Orrery and as
// an ONNX file for ONNX Runtime - and runs the latter when asked on standard input.
//   node onnxruntime_peer.js make FOLDER     config.json, model.safetensors, model.onnx
//   node onnxruntime_peer.js serve FOLDER THREADS
// The ONNX graph already holds ONNX Runtime's own fused operators (Attention, SkipLayerNormalization, BiasGelu), which is
// the best that its optimiser could make of an exported model.
'use strict';
const fs = require('fs');
const path = require('path');

const shape = {vocabulary: 30522, positions: 512, types: 2, width: 768, heads: 12, hidden: 3072, layers: 12};

// ---- protobuf ----
function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    let byte = Number(rest & 127n);
    rest >>= 7n;
    if (rest > 0n) byte |= 128;
    bytes.push(byte);
  } while (rest > 0n);
  return Buffer.from(bytes);
}
const size = (chunks) => chunks.reduce((total, chunk) => total + chunk.length, 0);
const number = (field, value) => [varint(field << 3), varint(value)];
const bytes = (field, chunks) => [varint((field << 3) | 2), varint(size(chunks)), ...chunks];
const text = (field, value) => bytes(field, [Buffer.from(value)]);
const real = (field, value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return [varint((field << 3) | 5), buffer];
};

function attribute(name, value) {
  if (typeof value === 'number' && !Number.isInteger(value)) return [...text(1, name), ...real(2, value), ...number(20, 1)];
  return [...text(1, name), ...number(3, value), ...number(20, 2)];
}
function node(type, inputs, outputs, attributes = {}, domain = '') {
  const chunks = [];
  for (const input of inputs) chunks.push(...text(1, input));
  for (const output of outputs) chunks.push(...text(2, output));
  chunks.push(...text(3, outputs[0]), ...text(4, type));
  for (const [name, value] of Object.entries(attributes)) chunks.push(...bytes(5, attribute(name, value)));
  if (domain) chunks.push(...text(7, domain));
  return bytes(1, chunks);
}
function tensor(name, dims, type, data) {
  const chunks = [];
  for (const dim of dims) chunks.push(...number(1, dim));
  chunks.push(...number(2, type), ...text(8, name), ...bytes(9, [data]));
  return bytes(5, chunks);
}
function value(field, name, type, dims) {
  const chunks = [];
  for (const dim of dims) chunks.push(...bytes(1, typeof dim === 'string' ? text(2, dim) : number(1, dim)));
  return bytes(field, [...text(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, chunks)]))]);
}

// ---- weights ----
let state = 88172645463325252n;
let pool = null;
function uniform() { // xorshift; a pool of 2^20 numbers at random offsets is random enough for weights
  state ^= (state << 13n) & 0xffffffffffffffffn;
  state ^= state >> 7n;
  state ^= (state << 17n) & 0xffffffffffffffffn;
  return Number(state >> 11n) / 2 ** 53;
}
function random(count, scale, centre = 0) {
  if (!pool) pool = Float32Array.from({length: 1 << 20}, () => (uniform() * 2 - 1) * Math.sqrt(3));
  const values = new Float32Array(count);
  let at = 0;
  while (at < count) {
    const from = Math.floor(uniform() * (pool.length - 4096));
    for (let i = from; i < from + 4096 && at < count; ++i) values[at++] = pool[i] * scale + centre;
  }
  return values;
}
function transposed(values, rows, columns) {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; ++i) for (let j = 0; j < columns; ++j) result[j * rows + i] = values[i * columns + j];
  return result;
}
const buffer = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function make(folder) {
  fs.mkdirSync(folder, {recursive: true});
  const {vocabulary, positions, types, width, heads, hidden, layers} = shape;
  const stored = []; // of the safetensors file
  const initializers = [];
  const nodes = [];
  const keep = (name, dims, values) => { stored.push([name, dims, values]); return values; };
  const give = (name, dims, values, type = 1) => { initializers.push(tensor(name, dims, type, buffer(values))); return name; };
  const norm = (name) => [give(name + '.g', [width], keep(name + '.weight', [width], random(width, 0.1, 1))),
                          give(name + '.b', [width], keep(name + '.bias', [width], random(width, 0.1)))];
  const linear = (name, outputs, inputs) => {
    const weight = keep(name + '.weight', [outputs, inputs], random(outputs * inputs, 0.03));
    const bias = keep(name + '.bias', [outputs], random(outputs, 0.05));
    return {weight, bias};
  };
  const matrix = (name, part, outputs, inputs) => give(name, [inputs, outputs], transposed(part.weight, outputs, inputs));
  const vector = (name, part) => give(name, [part.bias.length], part.bias);

  give('word', [vocabulary, width], keep('embeddings.word_embeddings.weight', [vocabulary, width], random(vocabulary * width, 0.05)));
  give('position', [positions, width], keep('embeddings.position_embeddings.weight', [positions, width], random(positions * width, 0.05)));
  const type = keep('embeddings.token_type_embeddings.weight', [types, width], random(types * width, 0.05));
  give('type0', [width], type.slice(0, width));
  const integers = (name, dims, values) => give(name, dims, BigInt64Array.from(values, BigInt), 7);
  integers('zero', [], [0]);
  integers('one', [], [1]);
  nodes.push(node('Gather', ['word', 'input_ids'], ['embedded']), node('Shape', ['input_ids'], ['sizes']),
             node('Gather', ['sizes', 'one'], ['length']), node('Range', ['zero', 'length', 'one'], ['places']),
             node('Gather', ['position', 'places'], ['placed']), node('Add', ['embedded', 'placed'], ['sum0']),
             node('Add', ['sum0', 'type0'], ['sum1']),
             node('LayerNormalization', ['sum1', ...norm('embeddings.LayerNorm')], ['x0'], {epsilon: 1e-12, axis: 2}));
  for (let i = 0; i < layers; ++i) {
    const name = `encoder.layer.${i}.`;
    const q = linear(name + 'attention.self.query', width, width);
    const k = linear(name + 'attention.self.key', width, width);
    const v = linear(name + 'attention.self.value', width, width);
    const all = new Float32Array(3 * width * width);
    const biases = new Float32Array(3 * width);
    [q, k, v].forEach((part, j) => { all.set(part.weight, j * width * width); biases.set(part.bias, j * width); });
    give(name + 'qkv', [width, 3 * width], transposed(all, 3 * width, width));
    give(name + 'qkvb', [3 * width], biases);
    const o = linear(name + 'attention.output.dense', width, width);
    const up = linear(name + 'intermediate.dense', hidden, width);
    const down = linear(name + 'output.dense', width, hidden);
    const ms = 'com.microsoft';
    nodes.push(
        node('Attention', ['x' + i, name + 'qkv', name + 'qkvb'], [name + 'a'], {num_heads: heads}, ms),
        node('MatMul', [name + 'a', matrix(name + 'ow', o, width, width)], [name + 'o']),
        node('SkipLayerNormalization', [name + 'o', 'x' + i, ...norm(name + 'attention.output.LayerNorm'), vector(name + 'ob', o)],
             [name + 'm'], {epsilon: 1e-12}, ms),
        node('MatMul', [name + 'm', matrix(name + 'uw', up, hidden, width)], [name + 'u']),
        node('BiasGelu', [name + 'u', vector(name + 'ub', up)], [name + 'g'], {}, ms),
        node('MatMul', [name + 'g', matrix(name + 'dw', down, width, hidden)], [name + 'd']),
        node('SkipLayerNormalization', [name + 'd', name + 'm', ...norm(name + 'output.LayerNorm'), vector(name + 'db', down)],
             ['x' + (i + 1)], {epsilon: 1e-12}, ms));
  }
  const pooler = linear('pooler.dense', width, width);
  nodes.push(node('Gather', ['x' + layers, 'zero'], ['first'], {axis: 1}),
             node('Gemm', ['first', matrix('pw', pooler, width, width), vector('pb', pooler)], ['pooledSum']),
             node('Tanh', ['pooledSum'], ['pooled']));
  const graph = [...nodes.flat(), ...text(2, 'bert'), ...initializers.flat(), ...value(11, 'input_ids', 7, ['batch', 'length']),
                 ...value(12, 'x' + layers, 1, ['batch', 'length', width]), ...value(12, 'pooled', 1, ['batch', width])];
  const model = [...number(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ''), ...number(2, 17)]),
                 ...bytes(8, [...text(1, 'com.microsoft'), ...number(2, 1)])];
  write(path.join(folder, 'model.onnx'), model);

  const header = {};
  let offset = 0;
  for (const [name, dims, values] of stored) {
    header[name] = {dtype: 'F32', shape: dims, data_offsets: [offset, offset + values.byteLength]};
    offset += values.byteLength;
  }
  let json = Buffer.from(JSON.stringify(header));
  json = Buffer.concat([json, Buffer.alloc((8 - json.length % 8) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  write(path.join(folder, 'model.safetensors'), [length, json, ...stored.map((entry) => buffer(entry[2]))]);
  fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify({
    architectures: ['BertModel'], model_type: 'bert', vocab_size: vocabulary, hidden_size: width, num_hidden_layers: layers,
    num_attention_heads: heads, intermediate_size: hidden, hidden_act: 'gelu', max_position_embeddings: positions,
    type_vocab_size: types, layer_norm_eps: 1e-12, pad_token_id: 0}, null, 2));
}
function write(file, chunks) {
  const handle = fs.openSync(file, 'w');
  for (const chunk of chunks) for (let at = 0; at < chunk.length;) at += fs.writeSync(handle, chunk, at, Math.min(chunk.length - at, 1 << 26));
  fs.closeSync(handle);
}

async function serve(folder, threads) {
  const ort = require(require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));
  const session = await ort.InferenceSession.create(path.join(folder, 'model.onnx'), {
    intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all'});
  console.log('ready ' + (ort.env.versions.node || ort.env.versions.common));
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const [batch, length] = line.split(' ').map(Number);
    const ids = BigInt64Array.from({length: batch * length}, (_, i) => BigInt((i * 7919 + 13) % shape.vocabulary));
    const feeds = {input_ids: new ort.Tensor('int64', ids, [batch, length])};
    const begin = process.hrtime.bigint();
    const results = await session.run(feeds);
    const end = process.hrtime.bigint();
    const hidden = results['x' + shape.layers].data;
    const samples = Array.from({length: 64}, (_, i) => hidden[Math.floor((i * 104729) % hidden.length)]);
    console.log(Number(end - begin) / 1e6 + ' ' + samples.join(' '));
  }
}

const [mode, folder, threads] = process.argv.slice(2);
if (mode === 'make') make(folder);
else if (mode === 'serve') serve(folder, Number(threads));
else { console.error('usage: onnxruntime_peer.js make|serve FOLDER [THREADS]'); process.exit(2); }
