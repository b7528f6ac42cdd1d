// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, expect, it, vi } from "vitest";
import { attempt } from "../../src/state/run";
import { lazily } from "../../src/ui/lazily";

const Wrapper = ({ children }: { children: preact.ComponentChildren }) => (
  <section>{children}</section>
);
const Part = ({ name }: { name: string }) => <b>{name} is here</b>;

afterEach(() => render(null, document.body));

it("loads when it is first shown, and stays loaded", async () => {
  let loads = 0;
  const Late = lazily(async () => {
    loads += 1;
    return Part;
  }, Wrapper);
  expect(loads).toBe(0);
  render(<Late name="one" />, document.body);
  await vi.waitFor(() => expect(document.body.textContent).toBe("one is here"));
  expect(document.querySelector("section")).toBeNull();
  render(null, document.body);
  render(<Late name="two" />, document.body);
  expect(document.body.textContent).toBe("two is here");
  expect(loads).toBe(1);
});

it("reports that it cannot load, and tries again when the server is back", async () => {
  let away = true;
  const Late = lazily(async () => {
    if (away) throw new TypeError("Failed to fetch dynamically imported module");
    return Part;
  }, Wrapper);
  render(<Late name="it" />, document.body);
  const message = await vi.waitUntil(() =>
    document.querySelector("section [data-testid=not-loaded]"),
  );
  expect(message.textContent).toContain("cannot be loaded");
  expect(message.querySelector("button")?.textContent).toBe("Reload the page");
  away = false;
  attempt.value += 1;
  await vi.waitFor(() => expect(document.body.textContent).toBe("it is here"));
});
