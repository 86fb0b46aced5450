// Reads one table of the emulated account with the official Node driver, row by row, into nothing.
"use strict";

const { connection, fail } = require("./account.js");

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
