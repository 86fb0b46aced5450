// Reads one table of the emulated account with the official Node driver, row by row, into nothing.
"use strict";

const snowflake = require("snowflake-sdk");

snowflake.configure({ logLevel: "OFF", additionalLogToConsole: false, disableOCSPChecks: true });

const connection = snowflake.createConnection({
  account: "bench",
  accessUrl: `http://127.0.0.1:${process.env.BENCH_PORT}`,
  username: process.env.BENCH_USER,
  password: process.env.BENCH_PASSWORD,
  warehouse: "BENCH_WH",
});

function fail(error) {
  console.error(error);
  process.exit(1);
}

connection.connect((refused) => {
  if (refused) fail(refused);
  connection.execute({
    sqlText: `SELECT * FROM BENCH.PUBLIC.${process.env.BENCH_TABLE}`,
    streamResult: true,
    complete(error, statement) {
      if (error) fail(error);
      let rows = 0;
      let sum = 0;
      statement
        .streamRows()
        .on("error", fail)
        .on("data", (row) => {
          rows += 1;
          sum += row.ID;
        })
        .on("end", () => {
          console.log(JSON.stringify({ rows, sum }));
          connection.destroy(() => {});
        });
    },
  });
});
