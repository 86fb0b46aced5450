// Writes the table of a DuckDB file into one of the emulated account with the official Node driver: through CSV, which is
// what it can make, a PUT and a COPY.
"use strict";

const { execFileSync } = require("node:child_process");
const path = require("node:path");
const { connection, fail } = require("./account.js");

const TABLE = `BENCH.PUBLIC.${process.env.BENCH_TABLE}`;
const FORMAT = `TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '"' NULL_IF = ()`;
const COLUMNS = "$1, $2, $3, $4, $5, $6, $7, $8, PARSE_JSON($9), $10";

const file = path.join(process.env.BENCH_FOLDER, "rows.csv");
const copy = `COPY (SELECT * FROM bench.bench.events) TO '${file}' (FORMAT csv, HEADER)`;
execFileSync(process.env.DUCKDB_PATH, ["-readonly", process.env.BENCH_FILE, "-c", copy]);

function inTurn([sqlText, ...others]) {
  if (!sqlText) {
    connection.destroy(() => {});
    return;
  }
  connection.execute({ sqlText, complete: (error) => (error ? fail(error) : inTurn(others)) });
}

connection.connect((refused) => {
  if (refused) fail(refused);
  inTurn([
    `PUT file://${file} @~/bench OVERWRITE = TRUE`,
    `COPY INTO ${TABLE} FROM (SELECT ${COLUMNS} FROM @~/bench/rows.csv.gz) FILE_FORMAT = (${FORMAT}) PURGE = TRUE`,
  ]);
});
