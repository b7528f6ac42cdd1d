import { describe, expect, it } from "vitest";
import {
  CHANNEL_STATISTICS,
  channelStatisticOf,
  formatStatistic,
  MAPPED,
  STATISTICS,
  statisticOf,
  withUnknown,
} from "../../src/model/statistics";
import { chartsOf } from "../../src/ui/HealthView";

describe("health numbers", () => {
  it("that the page does not know go by their own names", () => {
    expect(statisticOf("spin_rate")).toEqual({
      title: "spin rate",
      help: "spin rate",
      unit: "number",
      mapped: false,
    });
    expect(formatStatistic("spin_rate", 0.125, 4)).toBe("0.125");
    expect(MAPPED).not.toContain("spin_rate");
  });

  it("of a channel are about the channel, not about its layer", () => {
    for (const name of Object.keys(CHANNEL_STATISTICS)) {
      const { help } = channelStatisticOf(name);
      expect(help).toMatch(/channel/);
      expect(help).not.toMatch(/channels/);
      if (Object.hasOwn(STATISTICS, name)) expect(help).not.toBe(statisticOf(name).help);
    }
    expect(channelStatisticOf("spin_rate")).toEqual({ label: "spin rate", help: "spin rate" });
    expect(channelStatisticOf("constructor").label).toBe("constructor");
  });

  it("may have names that every object has", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      expect(statisticOf(name).title).toBe(name.replaceAll("_", " "));
      expect(withUnknown([name]).at(-1)).toBe(name);
    }
  });

  it("have a chart each, or one that they share, in the table's order", () => {
    const charts = chartsOf(["spin", "mean", "charm"]);
    const drawn = charts.flatMap((chart) => chart.statistics);
    const known = Object.keys(STATISTICS).filter((name) => !statisticOf(name).marked);
    expect([...drawn].sort()).toEqual([...known, "spin", "charm"].sort());
    const names = charts.map((chart) => chart.statistics.join());
    expect(names.slice(0, 6)).toEqual([
      "dead",
      "saturated",
      "duplicates",
      "sparsity",
      "mean,std",
      "minimum,maximum",
    ]);
    expect(names.slice(-2)).toEqual(["spin", "charm"]);
    // The same chart at each step, so that it is not drawn anew.
    expect(chartsOf(["spin"]).at(-1)).toBe(charts.at(-2));
  });
});
