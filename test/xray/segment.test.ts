import { expect, test } from "bun:test";
import { segmentIn } from "../../src/xray/segment.ts";

const rows: [what: string, datagram: string, document: string | undefined][] = [
  ["the usual header", '{"format":"json","version":1}\n{"id":"a"}', '{"id":"a"}'],
  ["blanks in the header", '{"format": "json", "version": 1}\n{"id":"a"}', '{"id":"a"}'],
  ["another order", '{"version":1,"format":"json"}\n{"id":"a"}', '{"id":"a"}'],
  ["other letter case", '{"Format":"JSON","Version":1}\n{"id":"A"}', '{"id":"A"}'],
  ["lines in the document", '{"format":"json","version":1}\n{\n"id":"ü"\n}\n', '{\n"id":"ü"\n}'],
  ["no header", '{"id":"a"}', undefined],
  ["another version", '{"format":"json","version":2}\n{"id":"a"}', undefined],
  ["another format", '{"format":"xml","version":1}\n<a/>', undefined],
  ["a header that is no JSON", 'format json 1\n{"id":"a"}', undefined],
  ["no document", '{"format":"json","version":1}\n', undefined],
  ["a document that is no object", '{"format":"json","version":1}\n[]', undefined],
  ["nothing", "", undefined],
];
test.each(rows)("a datagram with %s", (_, datagram, document) => {
  expect(segmentIn(Buffer.from(datagram))).toBe(document);
});
