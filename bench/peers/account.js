// The official Node driver's connection to the emulated account.
"use strict";

const snowflake = require("snowflake-sdk");

snowflake.configure({ logLevel: "OFF", additionalLogToConsole: false, disableOCSPChecks: true });

exports.connection = snowflake.createConnection({
  account: "bench",
  accessUrl: `http://127.0.0.1:${process.env.BENCH_PORT}`,
  username: process.env.BENCH_USER,
  password: process.env.BENCH_PASSWORD,
  warehouse: "BENCH_WH",
});

exports.fail = (error) => {
  console.error(error);
  process.exit(1);
};
