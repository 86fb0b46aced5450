//! `TPCH.SF…`: the eight tables of TPC-H, from a public generator, for sizes and for queries that everybody knows.

use std::fmt::Display;

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

use super::table::{Row, SampleStatement, SampleTable};

/// Creates and fills the tables at one scale factor.
pub(super) fn statements(scale: f64) -> impl Iterator<Item = SampleStatement> {
    let schema = schema(scale);
    let set_up = [
        SampleStatement::plain("CREATE DATABASE IF NOT EXISTS TPCH"),
        SampleStatement::plain(format!("CREATE SCHEMA IF NOT EXISTS {schema}")),
    ];
    set_up.into_iter().chain(tables(scale, &schema).into_iter().flat_map(SampleTable::statements))
}

/// `TPCH.SF1`, `TPCH.SF0_01`: a point cannot stand in a plain name.
fn schema(scale: f64) -> String {
    format!("TPCH.SF{}", scale.to_string().replace('.', "_"))
}

fn tables(scale: f64, schema: &str) -> [SampleTable; 8] {
    let key = "NUMBER(38,0) NOT NULL";
    let money = "NUMBER(12,2)";
    let table = |name, columns, rows| SampleTable { name: format!("{schema}.{name}"), columns, rows };
    [
        table(
            "REGION",
            vec![("R_REGIONKEY", key), ("R_NAME", "VARCHAR(25)"), ("R_COMMENT", "VARCHAR(152)")],
            rows(RegionGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "NATION",
            vec![
                ("N_NATIONKEY", key),
                ("N_NAME", "VARCHAR(25)"),
                ("N_REGIONKEY", key),
                ("N_COMMENT", "VARCHAR(152)"),
            ],
            rows(NationGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "SUPPLIER",
            vec![
                ("S_SUPPKEY", key),
                ("S_NAME", "VARCHAR(25)"),
                ("S_ADDRESS", "VARCHAR(40)"),
                ("S_NATIONKEY", key),
                ("S_PHONE", "VARCHAR(15)"),
                ("S_ACCTBAL", money),
                ("S_COMMENT", "VARCHAR(101)"),
            ],
            rows(SupplierGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "CUSTOMER",
            vec![
                ("C_CUSTKEY", key),
                ("C_NAME", "VARCHAR(25)"),
                ("C_ADDRESS", "VARCHAR(40)"),
                ("C_NATIONKEY", key),
                ("C_PHONE", "VARCHAR(15)"),
                ("C_ACCTBAL", money),
                ("C_MKTSEGMENT", "VARCHAR(10)"),
                ("C_COMMENT", "VARCHAR(117)"),
            ],
            rows(CustomerGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "PART",
            vec![
                ("P_PARTKEY", key),
                ("P_NAME", "VARCHAR(55)"),
                ("P_MFGR", "VARCHAR(25)"),
                ("P_BRAND", "VARCHAR(10)"),
                ("P_TYPE", "VARCHAR(25)"),
                ("P_SIZE", "NUMBER(38,0)"),
                ("P_CONTAINER", "VARCHAR(10)"),
                ("P_RETAILPRICE", money),
                ("P_COMMENT", "VARCHAR(23)"),
            ],
            rows(PartGenerator::new(scale, 1, 1).iter()),
        ),
        table(
            "PARTSUPP",
            vec![
                ("PS_PARTKEY", key),
                ("PS_SUPPKEY", key),
                ("PS_AVAILQTY", "NUMBER(38,0)"),
                ("PS_SUPPLYCOST", money),
                ("PS_COMMENT", "VARCHAR(199)"),
            ],
            rows(PartSuppGenerator::new(scale, 1, 1).iter()),
        ),
        table("ORDERS", order_columns(), rows(OrderGenerator::new(scale, 1, 1).iter())),
        table("LINEITEM", line_item_columns(), rows(LineItemGenerator::new(scale, 1, 1).iter())),
    ]
}

fn order_columns() -> Vec<(&'static str, &'static str)> {
    vec![
        ("O_ORDERKEY", "NUMBER(38,0) NOT NULL"),
        ("O_CUSTKEY", "NUMBER(38,0) NOT NULL"),
        ("O_ORDERSTATUS", "VARCHAR(1)"),
        ("O_TOTALPRICE", "NUMBER(12,2)"),
        ("O_ORDERDATE", "DATE"),
        ("O_ORDERPRIORITY", "VARCHAR(15)"),
        ("O_CLERK", "VARCHAR(15)"),
        ("O_SHIPPRIORITY", "NUMBER(38,0)"),
        ("O_COMMENT", "VARCHAR(79)"),
    ]
}

fn line_item_columns() -> Vec<(&'static str, &'static str)> {
    vec![
        ("L_ORDERKEY", "NUMBER(38,0) NOT NULL"),
        ("L_PARTKEY", "NUMBER(38,0) NOT NULL"),
        ("L_SUPPKEY", "NUMBER(38,0) NOT NULL"),
        ("L_LINENUMBER", "NUMBER(38,0) NOT NULL"),
        ("L_QUANTITY", "NUMBER(12,2)"),
        ("L_EXTENDEDPRICE", "NUMBER(12,2)"),
        ("L_DISCOUNT", "NUMBER(12,2)"),
        ("L_TAX", "NUMBER(12,2)"),
        ("L_RETURNFLAG", "VARCHAR(1)"),
        ("L_LINESTATUS", "VARCHAR(1)"),
        ("L_SHIPDATE", "DATE"),
        ("L_COMMITDATE", "DATE"),
        ("L_RECEIPTDATE", "DATE"),
        ("L_SHIPINSTRUCT", "VARCHAR(25)"),
        ("L_SHIPMODE", "VARCHAR(10)"),
        ("L_COMMENT", "VARCHAR(44)"),
    ]
}

/// The generator writes rows in TPC-H's own text form: values that end with a bar and hold none.
fn rows(generated: impl Iterator<Item = impl Display> + 'static) -> Box<dyn Iterator<Item = Row>> {
    Box::new(generated.map(|row| {
        let text = row.to_string();
        text.trim_end_matches('|').split('|').map(|value| Some(value.to_owned())).collect()
    }))
}
