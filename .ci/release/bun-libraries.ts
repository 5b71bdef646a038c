/**
 * Licences and copyright lines of what is linked into Bun, under the names that Bun's own licence page gives. The page
 * says which there are (`bun.ts`); these rows say what each wants to be told, taken from its licence file.
 */
import type { Row } from "./part.ts";

export const libraries: Readonly<Record<string, Row>> = {
  boringssl: [
    "Apache-2.0 AND OpenSSL AND ISC AND MIT",
    "Copyright (c) 1998-2011 The OpenSSL Project. All rights reserved.",
    "Copyright (C) 1995-1998 Eric Young (eay@cryptsoft.com). All rights reserved.",
    "Copyright (c) 2014-2026 Google Inc.",
    "Copyright (c) 2015-2020 the fiat-crypto authors",
  ],
  brotli: ["MIT", "Copyright (c) 2009, 2010, 2013-2016 by the Brotli Authors."],
  libarchive: [
    "BSD-2-Clause AND BSD-3-Clause",
    "Copyright (c) 2003-2018 Tim Kientzle and the authors of libarchive. All rights reserved.",
    "Copyright (c) 1985, 1986, 1992, 1993 The Regents of the University of California. All rights reserved.",
  ],
  "lol-html": ["BSD-3-Clause", "Copyright (C) 2019, Cloudflare, Inc.", "Copyright (C) 2019, Ivan Nikulin"],
  "ls-hpack": [
    "MIT AND BSD-2-Clause",
    "Copyright (c) 2018 LiteSpeed Technologies Inc",
    "xxHash: Copyright (C) 2012-2016, Yann Collet",
  ],
  "ls-qpack": ["MIT", "Copyright (c) 2018 - 2021 LiteSpeed Technologies Inc"],
  lsquic: [
    "MIT AND BSD-3-Clause",
    "Copyright (c) 2017 - 2026 LiteSpeed Technologies Inc",
    "Copyright 2015 The Chromium Authors. All rights reserved.",
  ],
  mimalloc: ["MIT", "Copyright (c) 2018-2026 Microsoft Corporation, Daan Leijen"],
  picohttp: ["MIT", "Copyright (c) 2009-2014 Kazuho Oku, Tokuhiro Matsuno, Daisuke Murase, Shigeo Mitsunari"],
  zstd: ["BSD-3-Clause", "Copyright (c) Meta Platforms, Inc. and affiliates. All rights reserved."],
  simdutf: ["Apache-2.0", "Copyright 2021 The simdutf authors"],
  tinycc: ["LGPL-2.1-or-later", "Copyright (c) 2001-2004 Fabrice Bellard and the authors of TCC"],
  uSockets: ["Apache-2.0", "Copyright 2018-2021 Alex Hultman and contributors"],
  "zlib-ng": ["Zlib", "(C) 1995-2025 Jean-loup Gailly and Mark Adler"],
  "c-ares": [
    "MIT",
    "Copyright (c) 1998 Massachusetts Institute of Technology",
    "Copyright (c) 2007 - 2023, Daniel Stenberg with many contributors",
  ],
  libicu: [
    "Unicode-3.0 AND ICU AND BSD-3-Clause AND BSD-2-Clause",
    "Copyright (c) 2016-2026 Unicode, Inc.",
    "Copyright (c) 1995-2016 International Business Machines Corporation and others. All rights reserved.",
    "cjdict.txt: Copyright (C) 2006-2008, Google Inc.; Copyright (c) 1999 TaBE Project; Copyright (c) 1999 Pai-Hsiang Hsiao;",
    "  Copyright 1996 Chih-Hao Tsai; Copyright 2000-2003 Nara Institute of Science and Technology. All Rights Reserved.",
    "laodict.txt: Copyright (C) 2013 Brian Eugene Wilson, Robert Martin Campbell. All rights reserved.",
    "burmesedict.txt: Copyright (c) 2014 International Business Machines Corporation and others. All Rights Reserved.",
    "double-conversion: Copyright 2006-2011, the V8 project authors. All rights reserved.",
  ],
  libbase64: [
    "BSD-2-Clause",
    "Copyright (c) 2005-2007, Nick Galbreath",
    "Copyright (c) 2015-2018, Wojciech Muła",
    "Copyright (c) 2016-2017, Matthieu Darbois",
    "Copyright (c) 2013-2022, Alfred Klomp. All rights reserved.",
  ],
  libdeflate: ["MIT", "Copyright 2016 Eric Biggers", "Copyright 2024 Google LLC"],
  "libjpeg-turbo": [
    "IJG AND BSD-3-Clause AND Zlib",
    "Copyright (C) 1991-2026 The libjpeg-turbo Project and many others",
    "This software is based in part on the work of the Independent JPEG Group.",
  ],
  libspng: [
    "BSD-2-Clause AND libpng-2.0",
    "Copyright (c) 2018-2023, Randy <randy408@protonmail.com>. All rights reserved.",
    "Copyright (c) 1995-2019 The PNG Reference Library Authors.",
  ],
  libwebp: ["BSD-3-Clause", "Copyright (c) 2010, Google Inc. All rights reserved."],
  highway: ["Apache-2.0", "Copyright (c) the Highway Project Authors. All rights reserved."],
  HdrHistogram_c: [
    "BSD-2-Clause",
    "Copyright (c) 2012, 2013, 2014 Gil Tene",
    "Copyright (c) 2014 Michael Barker",
    "Copyright (c) 2014 Matt Warren",
    "Copyright (c) 2015 Philip Orwig. All rights reserved.",
  ],
  sqlite: ["blessing"],
  uWebsockets: ["Apache-2.0", "Copyright 2017-2026 Alex Hultman and contributors"],
  "Tigerbeetle's IO code": ["Apache-2.0", "Copyright TigerBeetle, Inc."],
};

/** What is in Bun, too, though no table of its licence page has it. */
export const unlisted: Readonly<Record<string, Row>> = {
  "WebKit: JavaScriptCore, WTF, bmalloc": [
    "LGPL-2.0-or-later AND BSD-2-Clause",
    "Copyright (C) 1991, 1999-2003 Harri Porten, Peter Kelly and the authors of KJS",
    "Copyright (C) 2003-2026 Apple Inc. All rights reserved.",
  ],
  "esbuild (Bun's transpiler and resolver are ports of it)": ["MIT", "Copyright (c) 2020 Evan Wallace"],
  "Lightning CSS and Servo (Bun's CSS parser derives from them)": [
    "MPL-2.0",
    "Copyright (c) Devon Govett, the Servo authors",
  ],
  "Node.js (parts of Bun's node: modules)": [
    "MIT",
    "Copyright Node.js contributors. All rights reserved.",
    "Copyright Joyent, Inc. and other Node contributors. All rights reserved.",
  ],
  llhttp: ["MIT", "Copyright Fedor Indutny, 2018."],
  "Rust's standard library": ["MIT OR Apache-2.0", "Copyright (c) The Rust Project Contributors"],
  "GCC's libstdc++ and libgcc (in the binaries for glibc)": [
    "GPL-3.0-or-later WITH GCC-exception-3.1",
    "Copyright (C) 1997-2023 Free Software Foundation, Inc.",
  ],
};

/** `process.versions` knows some under other names. */
export const versionNames: Readonly<Record<string, string>> = {
  "c-ares": "ares",
  libicu: "icu",
  "lol-html": "lolhtml",
  "ls-hpack": "lshpack",
  picohttp: "picohttpparser",
  "zlib-ng": "zlib",
  uSockets: "usockets",
  uWebsockets: "uwebsockets",
  "WebKit: JavaScriptCore, WTF, bmalloc": "webkit",
};
