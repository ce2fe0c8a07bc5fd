//! What every object does with its `SQLite`: rows as typed values, and writes all or nothing.

use serde::de::DeserializeOwned;
use tidegate_core::UnixMillis;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Date, Error, Result, SqlStorage, SqlStorageValue, Storage};

#[wasm_bindgen]
extern "C" {
    type Transactional;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        body: &mut dyn FnMut() -> std::result::Result<(), JsValue>,
    ) -> std::result::Result<(), JsValue>;
}

/// Runs `body` as one transaction: if it fails, nothing of it stays.
pub fn in_transaction(
    storage: &Storage,
    mut body: impl FnMut(&SqlStorage) -> Result<()>,
) -> Result<()> {
    let sql = storage.sql();
    let raw: &JsValue = storage.as_raw().as_ref();
    let mut run = || body(&sql).map_err(|error| JsValue::from_str(&error.to_string()));
    raw.unchecked_ref::<Transactional>()
        .transaction_sync(&mut run)
        .map_err(Error::from)
}

/// Runs a statement whose rows nobody wants.
pub fn run(sql: &SqlStorage, query: &str, bindings: Vec<SqlStorageValue>) -> Result<()> {
    sql.exec(query, bindings).map(|_| ())
}

/// Runs a query and reads all its rows. (`one` and `next` of a cursor throw past Rust; this does
/// not.)
pub fn rows<T: DeserializeOwned>(
    sql: &SqlStorage,
    query: &str,
    bindings: Vec<SqlStorageValue>,
) -> Result<Vec<T>> {
    sql.exec(query, bindings)?.to_array()
}

/// Adds a column that a table of an earlier format lacks.
pub fn add_column(sql: &SqlStorage, table: &str, column: &str, kind: &str) -> Result<()> {
    let found: Vec<serde_json::Value> = rows(
        sql,
        "SELECT name FROM pragma_table_info(?) WHERE name = ?",
        vec![table.into(), column.into()],
    )?;
    if found.is_empty() {
        let statement = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
        run(sql, &statement, Vec::new())?;
    }
    Ok(())
}

/// An integer to bind. `SQLite` in an object sees doubles, exact up to 2^53; larger ones are
/// refused.
pub fn integer(value: u64) -> Result<SqlStorageValue> {
    let value = i64::try_from(value).map_err(|_| Error::from("an integer past 2^63"))?;
    SqlStorageValue::try_from_i64(value)
}

/// An integer or null to bind.
pub fn optional_integer(value: Option<u64>) -> Result<SqlStorageValue> {
    value.map_or(Ok(SqlStorageValue::Null), integer)
}

/// The object's clock. Read once an event, and passed down.
pub fn now() -> UnixMillis {
    Date::now().as_millis()
}
