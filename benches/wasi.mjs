// Runs a WebAssembly program of wasm32-wasip1 in node, and so in V8. What the filter imports from
// Envoy is there too, for it is part of the library; a program that calls it fails.

import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { WASI } from "node:wasi";

const [, , file, ...args] = argv;
const wasi = new WASI({ version: "preview1", args: [file, ...args] });
const module = await WebAssembly.compile(await readFile(file));
const imports = { ...wasi.getImportObject() };
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  imports[from] ??= {};
  imports[from][name] ??= () => {
    throw new Error(`${from}.${name} is Envoy's, and there is none`);
  };
}
// Envoy starts the filter by `_initialize`, which a program must not have: it stays behind.
const { memory, _start } = (await WebAssembly.instantiate(module, imports)).exports;
process.exitCode = wasi.start({ exports: { memory, _start } });
