//! Column definitions, and the DuckDB tables made of them.

use duckdb::Connection;
use sqlparser::ast::{
    ColumnDef, ColumnOption, Expr, IdentityParameters, IdentityProperty, IdentityPropertyFormatKind,
    IdentityPropertyKind, IdentityPropertyOrder, IndexColumn, TableConstraint, UnaryOperator, Value,
};

use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::{Binder, OutputColumn};
use crate::sql::catalog::{ColumnEntry, Constraint, Identity};
use crate::sql::database::Database;
use crate::sql::error::{compilation, unsupported};
use crate::sql::names;
use crate::sql::run::execute_all;
use crate::sql::travel::create_sql;

/// The columns of a CREATE TABLE, and the constraints written with them.
pub(super) fn define(
    binder: &Binder<'_>,
    database: &Database,
    definitions: &[ColumnDef],
    constraints: &[TableConstraint],
) -> Result<(Vec<ColumnEntry>, Vec<Constraint>), SqlError> {
    let mut columns: Vec<ColumnEntry> = Vec::new();
    let mut found = Vec::new();
    for definition in definitions {
        let physical = format!("c{}", columns.len() + 1);
        let column = column(binder, database, definition, physical, &mut found)?;
        if columns.iter().any(|other| other.name == column.name) {
            return Err(compilation("002025", "42S21", &format!("duplicate column name '{}'", column.name)));
        }
        columns.push(column);
    }
    for constraint in constraints {
        found.extend(table_constraint(constraint)?);
    }
    for constraint in found.iter().filter(|constraint| constraint.is_primary) {
        for column in columns.iter_mut().filter(|column| constraint.columns.contains(&column.name)) {
            column.nullable = false;
        }
    }
    Ok((columns, found))
}

pub(super) fn column(
    binder: &Binder<'_>,
    database: &Database,
    definition: &ColumnDef,
    physical: String,
    constraints: &mut Vec<Constraint>,
) -> Result<ColumnEntry, SqlError> {
    let mut column = ColumnEntry {
        name: names::fold(&definition.name),
        physical,
        ty: binder.data_type(&definition.data_type)?,
        nullable: true,
        default: None,
        identity: None,
        comment: String::new(),
    };
    for option in &definition.options {
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => column.nullable = false,
            ColumnOption::Default(expr) => column.default = Some(expr.to_string()),
            ColumnOption::Comment(text) => column.comment.clone_from(text),
            ColumnOption::Identity(identity) => column.identity = Some(self::identity(database, identity)?),
            ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_) => {
                let is_primary = matches!(option.option, ColumnOption::PrimaryKey(_));
                constraints.push(Constraint {
                    name: option.name.as_ref().map_or_else(constraint_name, names::fold),
                    is_primary,
                    columns: vec![column.name.clone()],
                });
            }
            // Foreign keys are not enforced, and nothing reads them here.
            ColumnOption::ForeignKey(_) => {}
            other => return Err(unsupported(format!("the column option {other}"))),
        }
    }
    if column.identity.is_some() && !matches!(column.ty, SnowType::Fixed { .. }) {
        return Err(compilation("002101", "42601", "an identity column must be a number"));
    }
    Ok(column)
}

/// A name as Snowflake makes up for constraints.
fn constraint_name() -> String {
    format!("SYS_CONSTRAINT_{}", uuid::Uuid::new_v4())
}

fn table_constraint(constraint: &TableConstraint) -> Result<Option<Constraint>, SqlError> {
    let name = |name: Option<&sqlparser::ast::Ident>| name.map_or_else(constraint_name, names::fold);
    Ok(match constraint {
        TableConstraint::PrimaryKey(key) => Some(Constraint {
            name: name(key.name.as_ref()),
            is_primary: true,
            columns: key_columns(&key.columns)?,
        }),
        TableConstraint::Unique(key) => Some(Constraint {
            name: name(key.name.as_ref()),
            is_primary: false,
            columns: key_columns(&key.columns)?,
        }),
        TableConstraint::ForeignKey(_) => None,
        other => return Err(unsupported(format!("the constraint {other}"))),
    })
}

pub(super) fn key_columns(columns: &[IndexColumn]) -> Result<Vec<String>, SqlError> {
    let column = |column: &IndexColumn| match &column.column.expr {
        Expr::Identifier(ident) => Ok(names::fold(ident)),
        other => Err(unsupported(format!("a key over {other}"))),
    };
    columns.iter().map(column).collect()
}

fn identity(database: &Database, kind: &IdentityPropertyKind) -> Result<Identity, SqlError> {
    let (IdentityPropertyKind::Autoincrement(IdentityProperty { parameters, order })
    | IdentityPropertyKind::Identity(IdentityProperty { parameters, order })) = kind;
    let (start, increment) = match parameters {
        None => (1, 1),
        Some(
            IdentityPropertyFormatKind::FunctionCall(IdentityParameters { seed, increment })
            | IdentityPropertyFormatKind::StartAndIncrement(IdentityParameters { seed, increment }),
        ) => (integer(seed)?, integer(increment)?),
    };
    Ok(Identity {
        start,
        increment,
        is_ordered: matches!(order, Some(IdentityPropertyOrder::Order)),
        sequence: format!("s{}", database.take_id()),
    })
}

fn integer(expr: &Expr) -> Result<i64, SqlError> {
    let refused = || unsupported(format!("{expr} as a whole number"));
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().map_err(|_| refused()),
            _ => Err(refused()),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => integer(expr).map(|number| -number),
        _ => Err(refused()),
    }
}

/// The columns of a table made from a query.
pub(super) fn of_query(outputs: &[OutputColumn]) -> Result<Vec<ColumnEntry>, SqlError> {
    let mut columns: Vec<ColumnEntry> = Vec::new();
    for (place, output) in outputs.iter().enumerate() {
        if columns.iter().any(|column| column.name == output.name) {
            return Err(compilation("002025", "42S21", &format!("duplicate column name '{}'", output.name)));
        }
        columns.push(ColumnEntry {
            name: output.name.clone(),
            physical: format!("c{}", place + 1),
            ty: output.ty.clone(),
            nullable: output.nullable,
            default: None,
            identity: None,
            comment: String::new(),
        });
    }
    Ok(columns)
}

/// Creates the DuckDB table, and the sequences of its identity columns.
pub(super) fn create(connection: &Connection, table: u64, columns: &[ColumnEntry]) -> Result<(), SqlError> {
    let mut sql = String::new();
    for identity in columns.iter().filter_map(|column| column.identity.as_ref()) {
        sql.push_str(&create_sequence(&identity.sequence, identity.start, identity.increment));
    }
    sql.push_str(&create_sql(table, columns));
    execute_all(connection, &sql)
}

pub(super) fn create_sequence(name: &str, start: i64, increment: i64) -> String {
    let (minimum, maximum) = (i64::MIN + 1, i64::MAX);
    format!(
        "CREATE SEQUENCE {name} START WITH {start} INCREMENT BY {increment} MINVALUE {minimum} MAXVALUE {maximum};"
    )
}
