import { defineConfig } from "vite";

// TensorBoard imports `static/index.js` by that name and never caches it, so it is only a door;
// what is behind it has its content in its name and is cached for ever.
// Vite's own loads the style sheets of what is imported later; there is one, and the door loads it.
const plainImport = {
  name: "plain-import",
  enforce: "pre" as const,
  load: (id: string) =>
    id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : null,
};

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
      },
    },
  },
});
