/**
 * Licences of the Rust crates in Bun for Linux. Bun's licence page does not list them: these are the ones that the lock
 * file of its sources names, without those for other systems, for tests and for macros. Which version of each is in a Bun is
 * not known. Copyright lines stand where the licence wants them repeated: Apache-2.0, where it is offered, does not.
 */
import type { Row } from "./part.ts";

const dual = "MIT OR Apache-2.0";

const ofBothLicences = (
  "allocator-api2 arrayvec base64 bitflags blake2 block-buffer blowfish bstr bumpalo cfg-if cipher cpufeatures " +
  "crossbeam-utils crypto-common digest dtoa enum-map enumset equivalent errno getrandom hashbrown inout itoa keccak libc " +
  "log mime rust-argon2 rustc-hash scopeguard servo_arc sha3 siphasher smallvec stable_deref_trait thiserror typenum zeroize"
).split(" ");

export const crates: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(ofBothLicences.map((name): [string, Row] => [name, [dual]])),
  arrayref: ["BSD-2-Clause", "Copyright (c) 2015 David Roundy <roundyd@physics.oregonstate.edu>"],
  bcrypt: ["MIT", "Copyright (c) 2020 Vincent Prouillet"],
  blake2b_simd: ["MIT", "Copyright (c) Jack O'Connor"],
  bytemuck: ["Zlib OR Apache-2.0 OR MIT"],
  byteorder: ["Unlicense OR MIT", "Copyright (c) 2015 Andrew Gallant"],
  const_format: ["Zlib", "Copyright (c) 2020 Matias Rodriguez."],
  constant_time_eq: ["CC0-1.0 OR MIT-0 OR Apache-2.0"],
  cssparser: ["MPL-2.0", "Copyright (c) the Servo authors"],
  derive_more: ["MIT", "Copyright (c) 2016 Jelte Fennema"],
  "dtoa-short": ["MPL-2.0", "Copyright (c) the Servo authors"],
  encoding_rs: ["(Apache-2.0 OR MIT) AND BSD-3-Clause", "Copyright © WHATWG (Apple, Google, Mozilla, Microsoft)."],
  foldhash: ["Zlib", "Copyright (c) 2024 Orson Peters"],
  "generic-array": ["MIT", "Copyright (c) 2015 Bartłomiej Kamiński"],
  konst: ["Zlib", "Copyright (c) 2020 Matias Rodriguez."],
  konst_macro_rules: ["Zlib", "Copyright (c) 2020 Matias Rodriguez."],
  "linux-raw-sys": ["Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"],
  memchr: ["Unlicense OR MIT", "Copyright (c) 2015 Andrew Gallant"],
  new_debug_unreachable: ["MIT", "Copyright (c) 2015 Jonathan Reem"],
  phf: ["MIT", "Copyright (c) 2014-2022 Steven Fackler, Yuki Okushi"],
  phf_shared: ["MIT", "Copyright (c) 2014-2022 Steven Fackler, Yuki Okushi"],
  "precomputed-hash": ["MIT", "Copyright (c) 2017 Emilio Cobos Álvarez"],
  rustix: ["Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"],
  selectors: ["MPL-2.0", "Copyright (c) the Servo authors"],
  strum: ["MIT", "Copyright (c) 2019 Peter Glotfelty"],
  subtle: [
    "BSD-3-Clause",
    "Copyright (c) 2016-2017 Isis Agora Lovecruft, Henry de Valence. All rights reserved.",
    "Copyright (c) 2016-2024 Isis Agora Lovecruft. All rights reserved.",
  ],
  "typed-arena": ["MIT", "Copyright (c) 2018 The typed-arena developers"],
};
