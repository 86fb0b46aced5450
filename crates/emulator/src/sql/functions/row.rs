//! How a plain Rust function over one row becomes a DuckDB function over vectors.

use std::error::Error;
use std::marker::PhantomData;

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, FlatVector, Inserter, LogicalTypeHandle, LogicalTypeId};
use duckdb::ffi::duckdb_string_t;
use duckdb::types::DuckString;
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

/// A type that such a function takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Boolean,
    Small,
    Int,
    Big,
    Float,
    Date,
    /// A timestamp in microseconds.
    Micro,
    /// A timestamp in nanoseconds.
    Nano,
}

/// One argument. A function is not called where one of its arguments is NULL.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Number(i64),
    Float(f64),
    Boolean(bool),
    /// A timestamp, with the parts of a second that its unit counts.
    Moment {
        value: i64,
        per_second: i64,
    },
}

/// One result.
#[derive(Clone, Debug)]
pub(super) enum Out {
    Null,
    Text(String),
    Number(i64),
    Boolean(bool),
}

pub(super) trait RowFunction: 'static {
    const NAME: &'static str;
    const OVERLOADS: &'static [(&'static [Kind], Kind)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String>;
}

impl Cell<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn number(&self) -> i64 {
        match self {
            Cell::Number(number) | Cell::Moment { value: number, .. } => *number,
            _ => 0,
        }
    }

    pub(super) fn float(&self) -> f64 {
        match self {
            Cell::Float(number) => *number,
            _ => 0.0,
        }
    }

    pub(super) fn flag(&self) -> bool {
        matches!(self, Cell::Boolean(true))
    }

    /// The value of a timestamp and the parts of a second in its unit.
    pub(super) fn moment(&self) -> (i64, i64) {
        match self {
            Cell::Moment { value, per_second } => (*value, *per_second),
            _ => (0, 1),
        }
    }
}

impl Kind {
    fn id(self) -> LogicalTypeId {
        match self {
            Kind::Text => LogicalTypeId::Varchar,
            Kind::Boolean => LogicalTypeId::Boolean,
            Kind::Small => LogicalTypeId::Smallint,
            Kind::Int => LogicalTypeId::Integer,
            Kind::Big => LogicalTypeId::Bigint,
            Kind::Float => LogicalTypeId::Double,
            Kind::Date => LogicalTypeId::Date,
            Kind::Micro => LogicalTypeId::Timestamp,
            Kind::Nano => LogicalTypeId::TimestampNs,
        }
    }

    fn of(id: LogicalTypeId) -> Option<Kind> {
        let all = [
            Kind::Text,
            Kind::Boolean,
            Kind::Small,
            Kind::Int,
            Kind::Big,
            Kind::Float,
            Kind::Date,
            Kind::Micro,
            Kind::Nano,
        ];
        all.into_iter().find(|kind| kind.id() == id)
    }
}

pub(super) fn register<F: RowFunction>(connection: &Connection) -> duckdb::Result<()> {
    connection.register_scalar_function::<Adapter<F>>(F::NAME)
}

struct Adapter<F>(PhantomData<F>);

impl<F: RowFunction> VScalar for Adapter<F> {
    type State = ();

    fn invoke(
        (): &Self::State,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn Error>> {
        let rows = input.len();
        let columns: Vec<Column<'_>> = (0..input.num_columns())
            .map(|index| Column::new(input.flat_vector(index)))
            .collect::<Result<_, _>>()?;
        let mut output = Output::new(output.flat_vector())?;
        let mut texts: Vec<String> = vec![String::new(); columns.len()];
        for row in 0..rows {
            if columns.iter().any(|column| column.vector.row_is_null(row as u64)) {
                output.vector.set_null(row);
                continue;
            }
            for (column, text) in columns.iter().zip(&mut texts) {
                column.read_text(row, rows, text);
            }
            let cells: Vec<Cell<'_>> =
                columns.iter().zip(&texts).map(|(column, text)| column.cell(row, rows, text)).collect();
            output.write(row, rows, F::call(&cells)?);
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let handle = |kind: &Kind| LogicalTypeHandle::from(kind.id());
        F::OVERLOADS
            .iter()
            .map(|(arguments, result)| {
                ScalarFunctionSignature::exact(arguments.iter().map(handle).collect(), handle(result))
            })
            .collect()
    }
}

struct Column<'v> {
    vector: FlatVector<'v>,
    kind: Kind,
}

fn kind_of(vector: &FlatVector<'_>) -> Result<Kind, Box<dyn Error>> {
    let id = vector.logical_type().id();
    Kind::of(id).ok_or_else(|| format!("a function was given a vector of {id:?}").into())
}

impl<'v> Column<'v> {
    fn new(vector: FlatVector<'v>) -> Result<Self, Box<dyn Error>> {
        let kind = kind_of(&vector)?;
        Ok(Self { vector, kind })
    }

    fn slice<T>(&self, rows: usize) -> &[T] {
        // SAFETY: the vector holds `rows` values, and callers pass the type that `kind` says it is made of.
        unsafe { self.vector.as_slice_with_len::<T>(rows) }
    }

    /// Copies a text out, since DuckDB keeps short ones inside the vector's own entry.
    fn read_text(&self, row: usize, rows: usize, into: &mut String) {
        if self.kind == Kind::Text {
            let mut entry = self.slice::<duckdb_string_t>(rows)[row];
            into.clear();
            into.push_str(&DuckString::new(&mut entry).as_str());
        }
    }

    fn cell<'t>(&self, row: usize, rows: usize, text: &'t str) -> Cell<'t> {
        match self.kind {
            Kind::Text => Cell::Text(text),
            Kind::Boolean => Cell::Boolean(self.slice::<bool>(rows)[row]),
            Kind::Small => Cell::Number(i64::from(self.slice::<i16>(rows)[row])),
            Kind::Int | Kind::Date => Cell::Number(i64::from(self.slice::<i32>(rows)[row])),
            Kind::Big => Cell::Number(self.slice::<i64>(rows)[row]),
            Kind::Float => Cell::Float(self.slice::<f64>(rows)[row]),
            Kind::Micro => Cell::Moment { value: self.slice::<i64>(rows)[row], per_second: 1_000_000 },
            Kind::Nano => Cell::Moment { value: self.slice::<i64>(rows)[row], per_second: 1_000_000_000 },
        }
    }
}

struct Output<'v> {
    vector: FlatVector<'v>,
    kind: Kind,
}

impl<'v> Output<'v> {
    fn new(vector: FlatVector<'v>) -> Result<Self, Box<dyn Error>> {
        let kind = kind_of(&vector)?;
        Ok(Self { vector, kind })
    }

    fn set<T>(&mut self, row: usize, rows: usize, value: T) {
        // SAFETY: the vector has room for `rows` values, and callers pass the type that `kind` says it is made of.
        unsafe { self.vector.as_mut_slice_with_len::<T>(rows)[row] = value }
    }

    fn write(&mut self, row: usize, rows: usize, value: Out) {
        match (value, self.kind) {
            (Out::Text(text), _) => self.vector.insert(row, text.as_str()),
            (Out::Boolean(flag), _) => self.set(row, rows, flag),
            (Out::Number(number), Kind::Small) => {
                self.set(row, rows, i16::try_from(number).unwrap_or(i16::MAX));
            }
            (Out::Number(number), Kind::Int | Kind::Date) => {
                self.set(row, rows, i32::try_from(number).unwrap_or(i32::MAX));
            }
            (Out::Number(number), _) => self.set(row, rows, number),
            (Out::Null, _) => self.vector.set_null(row),
        }
    }
}
