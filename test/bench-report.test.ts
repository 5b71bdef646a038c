import { describe, expect, test } from "bun:test";
import { toJson, toTable } from "./bench/report.ts";
import { isRow, rowNames, rows } from "./bench/rows.ts";
import { type Figures, Samples } from "./bench/samples.ts";

/** @param pairs ours, then the other's */
function figuresOf(row: "p50" | "rate" | "exit", ...pairs: readonly (readonly number[])[]): Figures[] {
  const samples = new Samples();
  for (const pair of pairs) samples.add(pair.map((sample) => ({ [row]: sample })));
  return samples.figures();
}

describe("samples", () => {
  test("have quartiles for each binary, the ratio of the medians, and the quartiles of the pairs", () => {
    const [figures] = figuresOf("p50", [1, 2], [2, 2], [6, 3]);
    expect(figures).toEqual({
      row: "p50",
      quartiles: [
        { q1: 1.5, median: 2, q3: 4 },
        { q1: 2, median: 2, q3: 2.5 },
      ],
      ratio: 1,
      pairs: { q1: 0.75, median: 1, q3: 1.5 },
      samples: [
        [1, 2, 6],
        [2, 2, 3],
      ],
    });
  });

  test("of one binary have no ratios", () => {
    expect(figuresOf("p50", [1], [3])).toEqual([
      { row: "p50", quartiles: [{ q1: 1.5, median: 2, q3: 2.5 }], samples: [[1, 3]] },
    ]);
  });

  test("stay pairs where one binary has none", () => {
    const samples = new Samples();
    samples.add([{ exit: 1 }, { exit: 2 }]);
    samples.add([{ exit: 3 }, {}]);
    samples.add([{}, { exit: 4 }]);
    expect(samples.figures()[0]?.samples).toEqual([
      [1, 3, Number.NaN],
      [2, Number.NaN, 4],
    ]);
  });

  test("come in the order of the table, whichever row was measured first", () => {
    const samples = new Samples();
    samples.add([{ size: 1 }]);
    samples.add([{ cpu: 1, p50: 1 }]);
    expect(samples.figures().map(({ row }) => row)).toEqual(["p50", "cpu", "size"]);
  });
});

describe("the table", () => {
  test("of two binaries", () => {
    const figures = [...figuresOf("p50", [0.5, 1], [0.5, 1]), ...figuresOf("rate", [1500, 1000], [1500, 1000])];
    expect(toTable(["ours", "an-init-with-a-long-name"], figures)).toBe(
      [
        "row                                        ours [q1 q3]      an-init-with [q1 q3]  ratio  of pairs [q1 q3]",
        "p50   1 KB invocation, p50          ms     0.50 [0.50 0.50]  1.00 [1.00 1.00]      0.50   0.50 [0.50 0.50]",
        "rate  1 KB invocations, one by one  per s  1500 [1500 1500]  1000 [1000 1000]      1.50   1.50 [1.50 1.50]  more is better",
      ].join("\n"),
    );
  });

  test("of one binary", () => {
    expect(toTable(["ours"], figuresOf("p50", [12.34], [123.4]))).toBe(
      ["row                            ours [q1 q3]", "p50  1 KB invocation, p50  ms  67.9 [40.1 95.6]"].join("\n"),
    );
  });

  test("names what could not be measured", () => {
    expect(toTable(["ours", "other"], figuresOf("exit", [1, Number.NaN]))).toEndWith(
      "1.00 [1.00 1.00]  n/a            n/a    n/a",
    );
  });
});

test("JSON has every sample under the name of its binary, and null for what could not be measured", () => {
  const json = JSON.parse(
    toJson(["ours", "other"], figuresOf("exit", [1, 2], [1, Number.NaN]), { machine: "a machine" }),
  );
  expect(json).toMatchObject({
    machine: "a machine",
    rows: {
      exit: {
        unit: "ms",
        ratio: 0.5,
        pairs: { q1: 0.5, median: 0.5, q3: 0.5 },
        quartiles: { ours: { median: 1 }, other: { median: 2 } },
        samples: { ours: [1, 1], other: [2, null] },
      },
    },
  });
});

test("rows are known by name, and each has a margin", () => {
  expect(rowNames.filter((row) => !(rows[row].margin > 1))).toEqual([]);
  expect(["p50", "toString", "", "P50"].map(isRow)).toEqual([true, false, false, false]);
});
