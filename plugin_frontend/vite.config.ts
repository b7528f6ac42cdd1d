import { fileURLToPath } from "node:url";
import { defineConfig, normalizePath } from "vite";

// TensorBoard imports `static/index.js` by that name and never caches it, so it is only a door;
// what is behind it has its content in its name and is cached for ever.
// Vite's own loads the style sheets of what is imported later; there is one, and the door loads it.
// A copy for each module that imports others later, or it would be a file of its own.
const HELPER = "\0vite/preload-helper.js";
const plainImport = {
  name: "plain-import",
  enforce: "pre" as const,
  resolveId: (id: string, importer?: string) =>
    id === HELPER ? `${HELPER}?${encodeURIComponent(importer ?? "")}` : null,
  load: (id: string) =>
    id.startsWith(HELPER) ? "export const __vitePreload = (load) => load();" : null,
};

type Modules = { getModuleInfo: (id: string) => { importedIds: readonly string[] } | null };

// All that the first screen needs is one file: TensorBoard's server closes every connection.
let first: Set<string> | undefined;
function ofFirstScreen(id: string, modules: Modules): boolean {
  if (first === undefined) {
    first = new Set([normalizePath(fileURLToPath(new URL("src/page.tsx", import.meta.url)))]);
    for (const at of first) {
      for (const one of modules.getModuleInfo(at)?.importedIds ?? []) first.add(one);
    }
  }
  return first.has(id);
}

export default defineConfig({
  base: "./",
  plugins: [plainImport],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../tbviz/plugin/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rolldownOptions: {
      input: { index: "src/index.ts" },
      preserveEntrySignatures: "strict",
      output: {
        format: "es",
        entryFileNames: "[name].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
        codeSplitting: {
          groups: [{ name: (id, modules) => (ofFirstScreen(id, modules) ? "page" : null) }],
        },
      },
    },
  },
});
