// Reports what the driver was seen to do: one JSON line per claim, and a last line that says the script came to its end.
"use strict";

const { isDeepStrictEqual, inspect } = require("node:util");

class Wrong extends Error {}

function report(claim, ok, detail = "") {
  console.log(JSON.stringify({ claim, ok, detail: String(detail).slice(0, 2000) }));
}

/** Runs one claim: it holds when nothing is thrown. */
async function claim(sentence, body) {
  try {
    await body();
    report(sentence, true);
  } catch (error) {
    report(sentence, false, error instanceof Wrong ? error.message : error.stack);
  }
}

function same(got, expected, what = "value") {
  if (!isDeepStrictEqual(got, expected)) {
    throw new Wrong(`${what}: got ${inspect(got)}, expected ${inspect(expected)}`);
  }
}

/** Awaits an error and returns it. */
async function failure(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Wrong("no error");
}

async function runArea(areas, wanted) {
  await claim(`the area '${wanted}' runs to its end`, areas[wanted]);
  console.log(JSON.stringify({ end: true }));
}

module.exports = { Wrong, claim, failure, runArea, same };
