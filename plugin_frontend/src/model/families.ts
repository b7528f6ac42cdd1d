/**
 * What a run can hold and how it is shown. A kind is `family` or `family:variant`; a family is a
 * tab, its variants are chosen within it. What is not in the table is shown as a grid by its own
 * name.
 */

import { capitalized } from "./format";

/** Which part of the page draws a family. */
export type ViewName = "sheet" | "cams" | "health" | "predictions";

export interface Family {
  name: string;
  title: string;
  view: ViewName;
  /** What it shows, in a line, where the layout does not say it better. */
  help: string;
  /** Label and line of each variant; `""` is the plain kind. */
  variants: Readonly<Record<string, { label: string; help?: string }>>;
  /** What the colors span unless somebody chooses. */
  range: "run" | "tile";
  /** What a tile of its sheets is called where it has no caption. */
  tile?: string;
  /** What a map over a photograph is scaled by. */
  scale?: "maximum" | "percentile";
}

/** Numbers over the run, views like the kinds of pictures but made of other records. */
export const HEALTH = "health";
export const PREDICTIONS = "predictions";

/** Kinds whose sheet has one tile per probe image. */
const TILE_PER_IMAGE: ReadonlySet<string> = new Set(["activations:colors", "hypercolumns:colors"]);

export const FAMILIES: readonly Family[] = [
  {
    name: "activations",
    title: "Activations",
    tile: "channel",
    view: "sheet",
    help: "Response of each channel to the image: bright = strong",
    variants: {
      "": { label: "Maps" },
      colors: {
        label: "Colors",
        help: "The layer's output as one picture: similar colors = similar features",
      },
    },
    range: "run",
  },
  {
    name: "overview",
    title: "Overview",
    view: "sheet",
    help: "The first channels of the first layers, one column per layer",
    variants: {},
    range: "tile",
  },
  {
    name: "maximization",
    title: "Maximization",
    tile: "channel",
    view: "sheet",
    help: "Images optimized for the strongest response of each channel",
    variants: {},
    range: "run",
  },
  {
    name: "classes",
    title: "Class maximization",
    view: "sheet",
    help: "Images optimized for each class (other classes may still score higher)",
    variants: {},
    range: "run",
  },
  {
    name: "cam",
    title: "Grad-CAM",
    view: "cams",
    help: "Regions that this layer uses as evidence for a class: red = strong evidence",
    variants: {
      "": { label: "Grad-CAM" },
      "grad-cam++": { label: "Grad-CAM++" },
      hirescam: { label: "HiResCAM" },
      layercam: { label: "LayerCAM" },
      "score-cam": { label: "Score-CAM" },
      "eigen-cam": {
        label: "Eigen-CAM",
        help: "First principal component of the layer's output, the same for any class",
      },
    },
    range: "run",
    scale: "maximum",
  },
  {
    name: "saliency",
    title: "Saliency",
    view: "cams",
    help: "Pixels that the score of a class depends on",
    variants: {
      gradients: {
        label: "Gradients",
        help: "Sensitivity of the class score to each pixel",
      },
      "gradients-x-input": {
        label: "Gradients x input",
        help: "Gradient times pixel: evidence for and against the class",
      },
      smoothgrad: {
        label: "SmoothGrad",
        help: "Gradients, averaged over noisy copies of the image",
      },
      "integrated-gradients": {
        label: "Integrated gradients",
        help: "Contribution of each pixel to the class score, compared with a blank image",
      },
      occlusion: {
        label: "Occlusion",
        help: "Drop in the class score when this part of the image is covered",
      },
      "guided-grad-cam": {
        label: "Guided Grad-CAM",
        help: "Fine details within the regions that Grad-CAM finds",
      },
    },
    range: "run",
    scale: "percentile",
  },
  {
    name: "kernels",
    title: "Kernels",
    tile: "filter",
    view: "sheet",
    help: "The weights of the layer's filters",
    variants: {
      "": { label: "Values" },
      colors: { label: "Colors", help: "Filters over the three color channels, as colors" },
    },
    range: "run",
  },
  {
    name: "hypercolumns",
    title: "Hypercolumns",
    view: "sheet",
    help: "Several layers combined: the features of each part of the image",
    variants: {
      "": { label: "Mean" },
      colors: {
        label: "Colors",
        help: "Several layers as one picture: similar colors = similar features",
      },
    },
    range: "tile",
  },
  {
    name: "augmentation",
    title: "Augmentation",
    view: "sheet",
    help: "Each image as the model sees it during training",
    variants: {},
    range: "run",
  },
];

export const NUMBERS: readonly Family[] = [
  {
    name: HEALTH,
    title: "Health",
    view: "health",
    help: "Statistics that show whether a layer learns",
    variants: {},
    range: "run",
  },
  {
    name: PREDICTIONS,
    title: "Predictions",
    view: "predictions",
    help: "The prediction for each image, and when it changed",
    variants: {},
    range: "run",
  },
];

/** "cam:score-cam" => ["cam", "score-cam"]; the plain kind has the variant "". */
export function splitKind(kind: string): [family: string, variant: string] {
  const at = kind.indexOf(":");
  return at < 0 ? [kind, ""] : [kind.slice(0, at), kind.slice(at + 1)];
}

/** "grad-cam" => "Grad cam". */
function readable(name: string): string {
  return capitalized(name.replaceAll(/[-_]/g, " "));
}

/** The family of a kind; one made up from the name where the table has none. */
export function familyOf(kind: string): Family {
  const [name] = splitKind(kind);
  return (
    [...FAMILIES, ...NUMBERS].find((family) => family.name === name) ?? {
      name,
      title: readable(name),
      view: "sheet",
      help: "",
      variants: {},
      range: "run",
    }
  );
}

/** What people read on the choice of a variant; `own` names one that the table does not have. */
export function variantLabel(kind: string, own = ""): string {
  const [, variant] = splitKind(kind);
  const { title, variants } = familyOf(kind);
  return variants[variant]?.label ?? (variant === "" ? title : own || readable(variant));
}

/** "Saliency", "Score-CAM", "Activations, colors": a kind by one name. */
export function kindLabel(kind: string, own = ""): string {
  const [family, variant] = splitKind(kind);
  const { title } = familyOf(kind);
  if (variant === "" || family === "cam") return variant === "" ? title : variantLabel(kind, own);
  const label = variantLabel(kind, own);
  return family === "saliency" ? label : `${title}, ${label.toLowerCase()}`;
}

/** What a kind shows, in a line. */
export function kindHelp(kind: string): string {
  const family = familyOf(kind);
  return family.variants[splitKind(kind)[1]]?.help ?? family.help;
}

export const hasTilePerImage = (kind: string) => TILE_PER_IMAGE.has(kind);
