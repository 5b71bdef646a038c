/** Licences of the npm packages that Bun embeds, under the names of its licence page, taken from their licence files. */
import type { Row } from "./part.ts";

const joyent = "Copyright Joyent, Inc. and other Node contributors. All rights reserved.";
const node = "Copyright Node.js contributors. All rights reserved.";

export const polyfills: Readonly<Record<string, Row>> = {
  acorn: ["MIT", "Copyright (C) 2012-2022 by various contributors (see AUTHORS)"],
  "acorn-walk": ["MIT", "Copyright (C) 2012-2020 by various contributors (see AUTHORS)"],
  assert: ["MIT", joyent],
  "browserify-zlib": ["MIT", "Copyright (c) 2014-2015 Devon Govett <devongovett@gmail.com>", node],
  buffer: ["MIT", "Copyright (c) Feross Aboukhadijeh, and other contributors."],
  "constants-browserify": ["MIT", "Copyright Julian Gruber"],
  "crypto-browserify": ["MIT", "Copyright (c) 2013 Dominic Tarr"],
  "domain-browser": ["MIT", "Copyright (c) 2013+ Bevry Pty Ltd, Benjamin Lupton"],
  events: ["MIT", "Copyright Joyent, Inc. and other Node contributors."],
  "https-browserify": ["MIT", "Copyright (c) James Halliday"],
  "os-browserify": ["MIT", "Copyright (c) 2017 CoderPuppy"],
  "path-browserify": ["MIT", "Copyright (c) 2013 James Halliday"],
  process: ["MIT", "Copyright (c) 2013 Roman Shtylman <shtylman@gmail.com>"],
  punycode: ["MIT", "Copyright Mathias Bynens <https://mathiasbynens.be/>"],
  "querystring-es3": ["MIT", "Copyright 2012 Irakli Gozalishvili. All rights reserved."],
  "stream-browserify": ["MIT", "Copyright (c) James Halliday"],
  "stream-http": ["MIT", "Copyright (c) 2015 John Hiesey"],
  string_decoder: ["MIT", node, joyent],
  "timers-browserify": ["MIT", "Copyright © 2012 J. Ryan Stinnett <jryans@gmail.com>", joyent],
  "tty-browserify": ["MIT", "Copyright (c) James Halliday"],
  url: ["MIT", "Copyright 2014 Joyent, Inc. and other Node contributors."],
  util: ["MIT", joyent],
  "vm-browserify": ["MIT", "Copyright (c) James Halliday"],
};
