import { beforeEach, describe, expect, it } from "vitest";
import { familyOf, kindHelp, kindLabel, splitKind, variantLabel } from "../../src/model/families";
import type { Layout, Series } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { byFamily, ordered, overflowing } from "../../src/model/tabs";
import { kindName, variantName } from "../../src/state/kindNames";
import {
  connectKinds,
  families,
  family,
  moveFamily,
  moveVariant,
  openFamily,
  variants,
} from "../../src/state/kinds";
import { layer } from "../../src/state/layer";
import { firstLayer, nearestLayer, visibleRows } from "../../src/state/layers";
import { healthLayers, kindsOf } from "../../src/state/logged";
import { generation, runIndex } from "../../src/state/run";
import {
  connectSelection,
  kind,
  path,
  requestedKind,
  selectLayer,
} from "../../src/state/selection";

connectSelection();
connectKinds();

describe("the table of families", () => {
  it("orders kinds: families, variants in them, then the unknown, then the numbers", () => {
    expect(
      ordered([
        "predictions",
        "spectra:log",
        "saliency:occlusion",
        "health",
        "cam:score-cam",
        "saliency:gradients",
        "cam",
        "activations:colors",
        "activations",
        "overview",
      ]),
    ).toEqual([
      "activations",
      "activations:colors",
      "overview",
      "cam",
      "cam:score-cam",
      "saliency:gradients",
      "saliency:occlusion",
      "spectra:log",
      "health",
      "predictions",
    ]);
    expect([...byFamily(["cam:eigen-cam", "cam", "kernels"])]).toEqual([
      ["cam", ["cam", "cam:eigen-cam"]],
      ["kernels", ["kernels"]],
    ]);
  });

  it("names kinds, and shows what it does not know as a grid by its own name", () => {
    expect(
      ["cam", "cam:score-cam", "saliency:smoothgrad", "activations:colors"].map((kind) =>
        kindLabel(kind),
      ),
    ).toEqual(["Grad-CAM", "Score-CAM", "SmoothGrad", "Activations, colors"]);
    expect(variantLabel("kernels:colors")).toBe("Colors");
    expect(familyOf("saliency:occlusion").view).toBe("cams");
    expect([familyOf("new-one:x").view, familyOf("new-one:x").title]).toEqual(["sheet", "New one"]);
    expect(variantLabel("new-one:of-this")).toBe("Of this");
    expect(splitKind("a:b:c")).toEqual(["a", "b:c"]);
    expect(kindHelp("cam:score-cam")).toBe(kindHelp("cam"));
  });

  it("names a method that it does not have by the title that its layouts have", () => {
    const series = (kind: string, layout: string) =>
      ({ kind, layer: "conv", layout }) as unknown as Series;
    runIndex.value = merge(null, {
      now: 0,
      cursor: "a",
      reset: true,
      series: [series("cam:new-cam", "1"), series("cam:score-cam", "1"), series("new", "1")],
      layouts: { 1: { title: "NewCAM" } as unknown as Layout },
    });
    expect(["cam:new-cam", "cam:score-cam", "cam:other", "new"].map(kindName)).toEqual([
      "NewCAM",
      "Score-CAM",
      "Other",
      "New",
    ]);
    expect(variantName("cam:new-cam")).toBe("NewCAM");
    runIndex.value = null;
  });

  it("hides the least used tabs first, numbers last", () => {
    const widths = new Map(
      ["activations", "overview", "cam", "augmentation", "spectra", "health"].map((n) => [n, 100]),
    );
    expect(overflowing(widths, 600, 120)).toEqual([]);
    expect(overflowing(widths, 590, 120)).toEqual(["spectra", "augmentation"]);
    expect(overflowing(widths, 330, 120)).toEqual(["spectra", "augmentation", "overview", "cam"]);
  });
});

const series = (kind: string, layer: string): Series => ({
  kind,
  layer,
  layout: "1a2b3c4d",
  media: "gray8",
  images: 0,
  count: 3,
  bytes: 1,
  range: [0, 1],
  percentiles: [0, 1],
  positions: [[0, 3]],
});

describe("pictures of the whole model", () => {
  beforeEach(() => {
    generation.value += 1;
    runIndex.value = merge(null, {
      cursor: "a",
      now: 1,
      positions: [[1, 0, 3]],
      series: [
        series("activations", "conv1"),
        series("activations", "conv2"),
        series("cam", "conv3"),
        series("cam:score-cam", "conv3"),
        series("saliency:gradients", ""),
        series("saliency:occlusion", ""),
      ],
      latest: { metrics: null, health: 2, predictions: 2 },
    });
    healthLayers.value = ["conv1", "conv2"];
    requestedKind.value = null;
    layer.value = "conv1";
  });

  it("have a row of the tree, and are no layer", () => {
    expect(visibleRows.value.map((row) => row.node.path)).toEqual(["", "conv1", "conv2", "conv3"]);
    expect(kindsOf("")).toEqual(["saliency:gradients", "saliency:occlusion", "predictions"]);
    expect(firstLayer()).toBe("conv1");
  });

  it("keep the layer, to which a click on a layer goes back with the kind it had", () => {
    requestedKind.value = "health";
    openFamily("saliency");
    expect([kind.value, path.value, layer.value]).toEqual(["saliency:gradients", "", "conv1"]);
    selectLayer("conv2");
    expect([kind.value, path.value, layer.value]).toEqual(["health", "conv2", "conv2"]);
    selectLayer("");
    expect([kind.value, path.value]).toEqual(["saliency:gradients", ""]);
  });

  it("share the tabs with the layers; a tab that the layer lacks opens one that has it", () => {
    expect([...families.value.keys()]).toEqual([
      "activations",
      "cam",
      "saliency",
      "health",
      "predictions",
    ]);
    openFamily("cam");
    expect([kind.value, layer.value]).toEqual(["cam", "conv3"]);
    expect(nearestLayer(["conv1", "conv2"])).toBe("conv2");
  });

  it("have variants that are gone through and come back to", () => {
    openFamily("saliency");
    expect(variants.value).toEqual(["saliency:gradients", "saliency:occlusion"]);
    moveVariant();
    expect(kind.value).toBe("saliency:occlusion");
    moveFamily(1);
    expect(family.value).toBe("health");
    moveFamily(-1);
    expect(kind.value).toBe("saliency:occlusion");
    moveVariant();
    expect(kind.value).toBe("saliency:gradients");
  });

  it("are another variant of the requested family where the requested one is missing", () => {
    requestedKind.value = "saliency:smoothgrad";
    expect(kind.value).toBe("saliency:gradients");
    requestedKind.value = "cam:layer-cam";
    expect(kind.value).toBe("activations");
    layer.value = "conv3";
    expect(kind.value).toBe("cam");
  });

  it("are all that is offered where no layer was logged", () => {
    runIndex.value = merge(null, { cursor: "b", now: 1, series: [series("classes", "")] });
    healthLayers.value = [];
    layer.value = null;
    expect([kind.value, path.value]).toEqual(["classes", ""]);
  });
});
