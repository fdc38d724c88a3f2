// Runs a WASI command: node command.mjs ARTIFACT FOLDER. The folder is its whole file system.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [artifact, folder] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [], env: {}, preopens: { '/': folder } });
const module = await WebAssembly.compile(await readFile(artifact));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
