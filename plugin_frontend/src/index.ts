/** The door: TensorBoard imports this file and calls `render()` once. */

import stylesheet from "./style.css?url";

export async function render(): Promise<void> {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = stylesheet;
  const styled = new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve;
  });
  document.head.append(link);
  const [page] = await Promise.all([import("./page"), styled]);
  page.mount(document.body);
}
