import { beforeEach, describe, expect, it } from "vitest";
import type { IndexAnswer } from "../../src/model/answers";
import type { Layout, Probe, Series } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { connectImage, image } from "../../src/state/image";
import { generation, runIndex } from "../../src/state/run";
import {
  connectSelection,
  offeredImages,
  requestedKind,
  resetSelection,
  selectLayer,
  shownImage,
} from "../../src/state/selection";

connectImage();
connectSelection();

// Two models share the run: the images 0 to 2 are the generator's, 3 to 5 the discriminator's.
const DRAWN: [string, string, number[]][] = [
  ["activations", "generator/a", [0, 1]],
  ["activations", "generator/b", [1, 2]],
  ["activations", "discriminator/a", [3, 4, 5]],
  ["cam", "discriminator/a", [5, 3]],
  ["kernels", "discriminator/a", []],
  ["kernels", "discriminator/head", []],
];

function answer(drawn: typeof DRAWN): IndexAnswer {
  const layouts = drawn.map(([kind, layer, probes]): [string, Layout] => [
    `${kind} ${layer}`,
    {
      ...{ picture: kind, layer, probes, media: "gray8", tile: [1, 1], tiles: 1, columns: 1 },
      images: probes.length,
    },
  ]);
  const series = drawn.map(
    ([kind, layer, probes]): Series => ({
      ...{ kind, layer, layout: `${kind} ${layer}`, media: "gray8", images: probes.length },
      ...{ count: 1, bytes: 1, range: null, percentiles: null, positions: [[0, 1]] },
    }),
  );
  const probe: Probe = {
    ...{ segment: 1, writer: "w", size: [1, 1], range: [0, 1], class_names: null, sheets: [] },
    images: Array.from({ length: 6 }, (_, i) => ({ name: `p${i}`, label: null, class: null })),
  };
  return {
    ...{ cursor: "c", now: 1, positions: [[1, 0, 1]], probes: [probe], series },
    layouts: Object.fromEntries(layouts),
  };
}

function show(kind: string, layer: string): void {
  selectLayer(layer);
  requestedKind.value = kind;
}

beforeEach(() => {
  resetSelection();
  image.value = 0;
  generation.value += 1;
  runIndex.value = merge(null, answer(DRAWN));
  show("activations", "generator/a");
});

describe("the selected probe image of models that share a run", () => {
  it("is the model's own first until one of its own is selected", () => {
    expect(shownImage.value).toBe(0);
    show("activations", "discriminator/a");
    expect(shownImage.value).toBe(3);
  });

  it("is kept for each model", () => {
    image.value = 1;
    show("activations", "discriminator/a");
    expect(shownImage.value).toBe(3);
    image.value = 4;
    show("activations", "generator/a");
    expect(shownImage.value).toBe(1);
    show("activations", "discriminator/a");
    expect(shownImage.value).toBe(4);
  });

  it("stays selected in the layers of its model that are not shown it", () => {
    image.value = 2;
    show("activations", "generator/b");
    expect([shownImage.value, offeredImages.value]).toEqual([2, [0, 1, 2]]);
    show("activations", "generator/a");
    expect(shownImage.value).toBe(2);
    image.value = 4;
    show("cam", "discriminator/a");
    expect(shownImage.value).toBe(4);
  });

  it("is the layer's, whether the open kind shows images or not", () => {
    image.value = 1;
    show("kernels", "discriminator/a");
    expect([shownImage.value, offeredImages.value]).toEqual([3, [3, 4, 5]]);
    // Nothing shows which images this layer's model has.
    show("kernels", "discriminator/head");
    expect([shownImage.value, offeredImages.value]).toEqual([1, [0, 1, 2, 3, 4, 5]]);
  });

  it("is forgotten with the rest of the selection", () => {
    image.value = 4;
    image.value = 1;
    resetSelection();
    show("activations", "discriminator/a");
    expect(shownImage.value).toBe(3);
  });
});
