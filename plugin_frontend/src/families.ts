/**
 * What a run can hold and how it is shown. A kind is `family` or `family:variant`; a family is a
 * tab, its variants are chosen within it. What is not in the table is shown as a grid by its own
 * name.
 */

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

/** Kinds that have one tile a probe image in a sheet that belongs to none. */
const TILE_AN_IMAGE: ReadonlySet<string> = new Set(["activations:colors", "hypercolumns:colors"]);

export const FAMILIES: readonly Family[] = [
  {
    name: "activations",
    title: "Activations",
    tile: "channel",
    view: "sheet",
    help: "What each channel of the layer answers to the image: bright where it responds",
    variants: {
      "": { label: "Maps" },
      colors: {
        label: "Colors",
        help: "The layer's answer as one picture: parts of like color are alike to the layer",
      },
    },
    range: "run",
  },
  {
    name: "overview",
    title: "Overview",
    view: "sheet",
    help: "The first maps of the first layers, a column a layer",
    variants: {},
    range: "tile",
  },
  {
    name: "maximization",
    title: "Maximization",
    tile: "channel",
    view: "sheet",
    help: "Images made so that a channel responds as strongly as it can: what it looks for",
    variants: {},
    range: "run",
  },
  {
    name: "classes",
    title: "Classes",
    view: "sheet",
    help: "Images made so that the model is as sure of a class as it can be",
    variants: {},
    range: "run",
  },
  {
    name: "cam",
    title: "Grad-CAM",
    view: "cams",
    help: "Where the model looks for a class, as the layer sees it: hot where it speaks for it",
    variants: {
      "": { label: "Grad-CAM" },
      "grad-cam++": { label: "Grad-CAM++" },
      hirescam: { label: "HiResCAM" },
      layercam: { label: "LayerCAM" },
      "score-cam": { label: "Score-CAM" },
      "eigen-cam": {
        label: "Eigen-CAM",
        help: "What stands out to the layer, whatever the class: the first principal component",
      },
    },
    range: "run",
    scale: "maximum",
  },
  {
    name: "saliency",
    title: "Saliency",
    view: "cams",
    help: "Which pixels the score of a class depends on",
    variants: {
      gradients: {
        label: "Gradients",
        help: "How much the score of the class would change with each pixel",
      },
      "gradients-x-input": {
        label: "Gradients x input",
        help: "Gradient times pixel: which pixels speak for the class and which against it",
      },
      smoothgrad: {
        label: "SmoothGrad",
        help: "Gradients, averaged over noisy copies of the image",
      },
      "integrated-gradients": {
        label: "Integrated gradients",
        help: "What each pixel adds to the score of the class on the way from an empty image",
      },
      occlusion: {
        label: "Occlusion",
        help: "How much the score of the class falls when this part of the image is covered",
      },
      "guided-grad-cam": {
        label: "Guided Grad-CAM",
        help: "The fine details within what Grad-CAM finds",
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
    help: "Several layers laid over each other: what the model makes of each place of the image",
    variants: {
      "": { label: "Mean" },
      colors: {
        label: "Colors",
        help: "Several layers as one picture: parts of like color are alike to the model",
      },
    },
    range: "tile",
  },
  {
    name: "augmentation",
    title: "Augmentation",
    view: "sheet",
    help: "What training shows the model in place of each image",
    variants: {},
    range: "run",
  },
];

const NUMBERS: readonly Family[] = [
  {
    name: HEALTH,
    title: "Health",
    view: "health",
    help: "Numbers that tell a layer that learns from one that does not",
    variants: {},
    range: "run",
  },
  {
    name: PREDICTIONS,
    title: "Predictions",
    view: "predictions",
    help: "What the model says of each image, and when it changed its mind",
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
  const words = name.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
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

/** What people read on the choice of a variant. */
export function variantLabel(kind: string): string {
  const [, variant] = splitKind(kind);
  const { title, variants } = familyOf(kind);
  return variants[variant]?.label ?? (variant === "" ? title : readable(variant));
}

/** "Saliency", "Score-CAM", "Activations, colors": a kind by one name. */
export function kindLabel(kind: string): string {
  const [family, variant] = splitKind(kind);
  const { title } = familyOf(kind);
  if (variant === "" || family === "cam") return variant === "" ? title : variantLabel(kind);
  const label = variantLabel(kind);
  return family === "saliency" ? label : `${title}, ${label.toLowerCase()}`;
}

/** What a kind shows, in a line. */
export function kindHelp(kind: string): string {
  const family = familyOf(kind);
  return family.variants[splitKind(kind)[1]]?.help ?? family.help;
}

export const tileAnImage = (kind: string) => TILE_AN_IMAGE.has(kind);

/** Kinds in the order of the table: known families, then others by name, then the numbers. */
export function ordered(kinds: Iterable<string>): string[] {
  const rank = (kind: string): [number, number, string] => {
    const [name, variant] = splitKind(kind);
    const at = FAMILIES.findIndex((family) => family.name === name);
    const last = NUMBERS.findIndex((family) => family.name === name);
    const place = at >= 0 ? at : last >= 0 ? 1000 + last : 500;
    const variants = Object.keys(familyOf(kind).variants);
    const within = variants.indexOf(variant);
    return [place, within >= 0 ? within : variant === "" ? -1 : 99, kind];
  };
  return [...new Set(kinds)].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x[0] - y[0] || (x[0] === 500 ? 0 : x[1] - y[1]) || (x[2] < y[2] ? -1 : 1);
  });
}

/** Kinds by their family, in their order. */
export function byFamily(kinds: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const kind of ordered(kinds)) {
    const [name] = splitKind(kind);
    out.set(name, [...(out.get(name) ?? []), kind]);
  }
  return out;
}

/** What goes first where the room is too small for all tabs: what is looked at least. */
const LEAST_LOOKED_AT = ["augmentation", "hypercolumns", "overview", "kernels", "classes"];

/** The families that do not fit into a width beside a choice of them, which takes `more` of it. */
export function overflowing(
  widths: ReadonlyMap<string, number>,
  width: number,
  more: number,
): string[] {
  const names = [...widths.keys()];
  const isNumbers = (name: string) => NUMBERS.some((family) => family.name === name);
  const known = (name: string) => FAMILIES.some((family) => family.name === name);
  const order = [
    ...names.filter((name) => !known(name) && !isNumbers(name)),
    ...LEAST_LOOKED_AT.filter((name) => widths.has(name)),
    ...names.filter((name) => known(name) && !LEAST_LOOKED_AT.includes(name)).reverse(),
    ...names.filter(isNumbers).reverse(),
  ];
  let taken = [...widths.values()].reduce((sum, one) => sum + one, 0);
  const out = new Set<string>();
  for (const name of order) {
    if (taken <= width - (out.size > 0 ? more : 0)) break;
    out.add(name);
    taken -= widths.get(name) ?? 0;
  }
  return [...out];
}
