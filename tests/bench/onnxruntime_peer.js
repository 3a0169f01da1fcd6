// SPDX-License-Identifier: GPL-3.0-or-later
// The peer of vs_onnxruntime: makes one set of random BERT-base or ViT-base weights twice - as a Hugging Face folder for Orrery and as
// an ONNX file for ONNX Runtime - and runs the latter when asked on standard input.
//   node onnxruntime_peer.js make FOLDER bert|vit     config.json, model.safetensors, model.onnx, model_int8.onnx
//   node onnxruntime_peer.js serve FILE.onnx THREADS
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
  if (Array.isArray(value)) return [...text(1, name), ...value.flatMap((v) => number(8, v)), ...number(20, 7)];
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

const ms = 'com.microsoft';

// One model being made: what Orrery reads (stored) and ONNX Runtime's graph (nodes, initializers).
class Maker {
  constructor() { this.stored = []; this.initializers = []; this.nodes = []; this.quantised = []; this.quantisedNodes = []; }
  keep(name, dims, values) { this.stored.push([name, dims, values]); return values; }
  give(name, dims, values, type = 1) { this.initializers.push(tensor(name, dims, type, buffer(values))); return name; }
  integers(name, dims, values) { return this.give(name, dims, BigInt64Array.from(values, BigInt), 7); }
  norm(name, width) {
    return [this.give(name + '.g', [width], this.keep(name + '.weight', [width], random(width, 0.1, 1))),
            this.give(name + '.b', [width], this.keep(name + '.bias', [width], random(width, 0.1)))];
  }
  linear(name, outputs, inputs) {
    const weight = this.keep(name + '.weight', [outputs, inputs], random(outputs * inputs, 0.03));
    const bias = this.keep(name + '.bias', [outputs], random(outputs, 0.05));
    return {weight, bias};
  }
  vector(name, part) { return this.give(name, [part.bias.length], part.bias); }
  /// A matrix that the 8-bit graph holds as integers with one scale, as ONNX Runtime's dynamic quantisation does.
  weight(name, values, outputs, inputs) {
    const turned = transposed(values, outputs, inputs);
    this.quantised.push([name, inputs, outputs, turned]);
    return name;
  }
  matrix(name, part, outputs, inputs) { return this.weight(name, part.weight, outputs, inputs); }
  add(...nodes) { this.nodes.push(...nodes); this.quantisedNodes.push(...nodes); }
  product(x, weight, out) {
    this.nodes.push(node('MatMul', [x, weight], [out]));
    this.quantisedNodes.push(node('DynamicQuantizeMatMul', [x, weight + '8', weight + '8s', weight + '8z'], [out], {}, ms));
  }
  attention(x, weight, bias, out, heads) {
    this.nodes.push(node('Attention', [x, weight, bias], [out], {num_heads: heads}, ms));
    this.quantisedNodes.push(node('DynamicQuantizeLinear', [x], [out + 'q', out + 's', out + 'z']),
                             node('QAttention', [out + 'q', weight + '8', bias, out + 's', weight + '8s', '', out + 'z', weight + '8z'],
                                  [out], {num_heads: heads}, ms));
  }
  qkv(name, width, parts) {
    const [q, k, v] = parts.map((part) => this.linear(name + part, width, width));
    const all = new Float32Array(3 * width * width);
    const biases = new Float32Array(3 * width);
    [q, k, v].forEach((part, j) => { all.set(part.weight, j * width * width); biases.set(part.bias, j * width); });
    return [this.weight(name + 'qkv', all, 3 * width, width), this.give(name + 'qkvb', [3 * width], biases)];
  }
  write(folder, inputs, outputs, config) {
    const full = this.quantised.map(([name, rows, columns, values]) => tensor(name, [rows, columns], 1, buffer(values)));
    const narrow = this.quantised.map(([name, rows, columns, values]) => {
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
      return [...tensor(name + '8', [rows, columns], 3, buffer(Int8Array.from(values, (value) => Math.round(value / scale)))),
              ...tensor(name + '8s', [], 1, buffer(Float32Array.of(scale))), ...tensor(name + '8z', [], 3, buffer(Int8Array.of(0)))];
    });
    for (const [file, nodes, matrices] of [['model.onnx', this.nodes, full], ['model_int8.onnx', this.quantisedNodes, narrow]]) {
      const graph = [...nodes.flat(), ...text(2, 'graph'), ...this.initializers.flat(), ...matrices.flat(), ...inputs, ...outputs];
      write(path.join(folder, file), [...number(1, 8), ...bytes(7, graph), ...bytes(8, [...text(1, ''), ...number(2, 17)]),
                                      ...bytes(8, [...text(1, ms), ...number(2, 1)])]);
    }
    const header = {};
    let offset = 0;
    for (const [name, dims, values] of this.stored) {
      header[name] = {dtype: 'F32', shape: dims, data_offsets: [offset, offset + values.byteLength]};
      offset += values.byteLength;
    }
    let json = Buffer.from(JSON.stringify(header));
    json = Buffer.concat([json, Buffer.alloc((8 - json.length % 8) % 8, ' ')]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    write(path.join(folder, 'model.safetensors'), [length, json, ...this.stored.map((entry) => buffer(entry[2]))]);
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config, null, 2));
  }
}

function makeBert(folder) {
  const {vocabulary, positions, types, width, heads, hidden, layers} = shape;
  const m = new Maker();
  m.give('word', [vocabulary, width], m.keep('embeddings.word_embeddings.weight', [vocabulary, width], random(vocabulary * width, 0.05)));
  m.give('position', [positions, width], m.keep('embeddings.position_embeddings.weight', [positions, width], random(positions * width, 0.05)));
  const type = m.keep('embeddings.token_type_embeddings.weight', [types, width], random(types * width, 0.05));
  m.give('type0', [width], type.slice(0, width));
  m.integers('zero', [], [0]);
  m.integers('one', [], [1]);
  m.add(node('Gather', ['word', 'input_ids'], ['embedded']), node('Shape', ['input_ids'], ['sizes']),
        node('Gather', ['sizes', 'one'], ['length']), node('Range', ['zero', 'length', 'one'], ['places']),
        node('Gather', ['position', 'places'], ['placed']), node('Add', ['embedded', 'placed'], ['sum0']),
        node('Add', ['sum0', 'type0'], ['sum1']),
        node('LayerNormalization', ['sum1', ...m.norm('embeddings.LayerNorm', width)], ['x0'], {epsilon: 1e-12, axis: 2}));
  for (let i = 0; i < layers; ++i) {
    const name = `encoder.layer.${i}.`;
    const [qkv, qkvb] = m.qkv(name, width, ['attention.self.query', 'attention.self.key', 'attention.self.value']);
    const o = m.linear(name + 'attention.output.dense', width, width);
    const up = m.linear(name + 'intermediate.dense', hidden, width);
    const down = m.linear(name + 'output.dense', width, hidden);
    m.attention('x' + i, qkv, qkvb, name + 'a', heads);
    m.product(name + 'a', m.matrix(name + 'ow', o, width, width), name + 'o');
    m.add(node('SkipLayerNormalization', [name + 'o', 'x' + i, ...m.norm(name + 'attention.output.LayerNorm', width), m.vector(name + 'ob', o)],
               [name + 'm'], {epsilon: 1e-12}, ms));
    m.product(name + 'm', m.matrix(name + 'uw', up, hidden, width), name + 'u');
    m.add(node('BiasGelu', [name + 'u', m.vector(name + 'ub', up)], [name + 'g'], {}, ms));
    m.product(name + 'g', m.matrix(name + 'dw', down, width, hidden), name + 'd');
    m.add(node('SkipLayerNormalization', [name + 'd', name + 'm', ...m.norm(name + 'output.LayerNorm', width), m.vector(name + 'db', down)],
               [i + 1 === layers ? 'hidden' : 'x' + (i + 1)], {epsilon: 1e-12}, ms));
  }
  const pooler = m.linear('pooler.dense', width, width);
  m.give('pw', [width, width], transposed(pooler.weight, width, width));
  m.add(node('Gather', ['hidden', 'zero'], ['first'], {axis: 1}),
        node('Gemm', ['first', 'pw', m.vector('pb', pooler)], ['pooledSum']), node('Tanh', ['pooledSum'], ['pooled']));
  m.write(folder, value(11, 'input_ids', 7, ['batch', 'length']),
          [...value(12, 'hidden', 1, ['batch', 'length', width]), ...value(12, 'pooled', 1, ['batch', width])], {
    architectures: ['BertModel'], model_type: 'bert', vocab_size: vocabulary, hidden_size: width, num_hidden_layers: layers,
    num_attention_heads: heads, intermediate_size: hidden, hidden_act: 'gelu', max_position_embeddings: positions,
    type_vocab_size: types, layer_norm_eps: 1e-12, pad_token_id: 0});
}

function makeVit(folder) {
  const {width, heads, hidden, layers} = shape;
  const m = new Maker();
  const image = 224, patch = 16, count = (image / patch) ** 2;
  m.give('cls', [1, 1, width], m.keep('embeddings.cls_token', [1, 1, width], random(width, 0.05)));
  m.give('position', [1, count + 1, width], m.keep('embeddings.position_embeddings', [1, count + 1, width], random((count + 1) * width, 0.05)));
  const name = 'embeddings.patch_embeddings.projection';
  m.give('pw', [width, 3, patch, patch], m.keep(name + '.weight', [width, 3, patch, patch], random(width * 3 * patch * patch, 0.03)));
  m.give('pb', [width], m.keep(name + '.bias', [width], random(width, 0.05)));
  m.integers('flat', [3], [1, width, count]); // one image
  m.add(node('Conv', ['pixel_values', 'pw', 'pb'], ['patches'], {kernel_shape: [patch, patch], strides: [patch, patch]}),
        node('Reshape', ['patches', 'flat'], ['columns']), node('Transpose', ['columns'], ['tokens'], {perm: [0, 2, 1]}),
        node('Concat', ['cls', 'tokens'], ['all'], {axis: 1}), node('Add', ['all', 'position'], ['x0']));
  let norm = m.norm('encoder.layer.0.layernorm_before', width);
  m.add(node('LayerNormalization', ['x0', ...norm], ['n0'], {epsilon: 1e-12, axis: 2}));
  for (let i = 0; i < layers; ++i) {
    const block = `encoder.layer.${i}.`;
    const [qkv, qkvb] = m.qkv(block, width, ['attention.attention.query', 'attention.attention.key', 'attention.attention.value']);
    const o = m.linear(block + 'attention.output.dense', width, width);
    const up = m.linear(block + 'intermediate.dense', hidden, width);
    const down = m.linear(block + 'output.dense', width, hidden);
    m.attention('n' + i, qkv, qkvb, block + 'a', heads);
    m.product(block + 'a', m.matrix(block + 'ow', o, width, width), block + 'o');
    m.add(node('SkipLayerNormalization', [block + 'o', 'x' + i, ...m.norm(block + 'layernorm_after', width), m.vector(block + 'ob', o)],
               [block + 'n', '', '', block + 'm'], {epsilon: 1e-12}, ms));
    m.product(block + 'n', m.matrix(block + 'uw', up, hidden, width), block + 'u');
    m.add(node('BiasGelu', [block + 'u', m.vector(block + 'ub', up)], [block + 'g'], {}, ms));
    m.product(block + 'g', m.matrix(block + 'dw', down, width, hidden), block + 'd');
    norm = m.norm(i + 1 === layers ? 'layernorm' : `encoder.layer.${i + 1}.layernorm_before`, width);
    m.add(node('SkipLayerNormalization', [block + 'd', block + 'm', ...norm, m.vector(block + 'db', down)],
               i + 1 === layers ? ['hidden'] : ['n' + (i + 1), '', '', 'x' + (i + 1)], {epsilon: 1e-12}, ms));
  }
  m.write(folder, value(11, 'pixel_values', 1, [1, 3, image, image]), value(12, 'hidden', 1, [1, count + 1, width]), {
    architectures: ['ViTModel'], model_type: 'vit', hidden_size: width, num_hidden_layers: layers, num_attention_heads: heads,
    intermediate_size: hidden, hidden_act: 'gelu', layer_norm_eps: 1e-12, image_size: image, patch_size: patch, num_channels: 3});
}
function write(file, chunks) {
  const handle = fs.openSync(file, 'w');
  for (const chunk of chunks) for (let at = 0; at < chunk.length;) at += fs.writeSync(handle, chunk, at, Math.min(chunk.length - at, 1 << 26));
  fs.closeSync(handle);
}

async function serve(file, threads) {
  const ort = require(require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all'});
  console.log('ready ' + (ort.env.versions.node || ort.env.versions.common));
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const [batch, length] = line.split(' ').map(Number);
    let feeds;
    if (session.inputNames[0] === 'input_ids') {
      const ids = BigInt64Array.from({length: batch * length}, (_, i) => BigInt((i * 7919 + 13) % shape.vocabulary));
      feeds = {input_ids: new ort.Tensor('int64', ids, [batch, length])};
    } else {
      const pixels = Float32Array.from({length: 3 * 224 * 224}, (_, i) => ((i * 7919 + 13) % 1000) / 500 - 1);
      feeds = {pixel_values: new ort.Tensor('float32', pixels, [1, 3, 224, 224])};
    }
    const begin = process.hrtime.bigint();
    const results = await session.run(feeds);
    const end = process.hrtime.bigint();
    const hidden = results.hidden.data;
    const samples = Array.from({length: 64}, (_, i) => hidden[Math.floor((i * 104729) % hidden.length)]);
    console.log(Number(end - begin) / 1e6 + ' ' + samples.join(' '));
  }
}

const [mode, target, detail] = process.argv.slice(2);
if (mode === 'make') {
  fs.mkdirSync(target, {recursive: true});
  detail === 'vit' ? makeVit(target) : makeBert(target);
} else if (mode === 'serve') {
  serve(target, Number(detail));
} else {
  console.error('usage: onnxruntime_peer.js make FOLDER bert|vit, or serve FILE.onnx THREADS');
  process.exit(2);
}
